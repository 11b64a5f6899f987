//! Every write to the keeper fails once, at every position.

use std::{path::Path, sync::Arc};

use super::{
    super::{Fault, Opening, Projector, Shadow, rebuild},
    STEP_ENTRIES, log_of,
    memory::{Leaves, Memory},
    model, served, step, steps, to_go_on,
};

const STEPS: u64 = 12;
const WRITES: usize = 12;
const SIZE: u64 = STEPS * STEP_ENTRIES;

fn open(folder: &Path, memory: &Memory) -> Opening {
    Shadow::open_with(folder, memory.open_keep(), &log_of(SIZE)).unwrap()
}

#[test]
fn each_write_failing_leaves_a_shadow_of_an_earlier_step_or_one_that_is_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let mut outcomes = [0; 3];
    for position in 0..2 * WRITES {
        for leaves in [Leaves::Nothing, Leaves::All] {
            let memory = Memory::default();
            memory.0.lock().unwrap().fails = Some((position, leaves));
            let shadow = to_go_on(open(folder.path(), &memory)).0;
            let written = (1..=STEPS).take_while(|number| shadow.apply(&[step(*number)]).is_ok()).count();
            assert!(written < WRITES, "write {position} fails");
            assert!(shadow.rows().any(|row| row.is_err()), "nothing is served after it");
            assert!(matches!(shadow.fault(), Some(Fault::Keep(_))));
            drop(shadow);

            let opening = open(folder.path(), &memory);
            let which = match &opening {
                Opening::Sound(..) => 0,
                Opening::Empty(_) => 1,
                Opening::Discarded(..) => {
                    // Only the first step, which was never finished, is lost.
                    assert!(position <= 1, "write {position}");
                    *memory.0.lock().unwrap() = super::memory::Inside::default();
                    2
                }
                Opening::Ahead(_) => panic!("the log has all entries"),
            };
            outcomes[which] += 1;
            let (shadow, reached) = to_go_on(opening);
            assert!(reached / STEP_ENTRIES >= written as u64, "what was written is not lost");
            let before = steps(reached / STEP_ENTRIES);
            assert_eq!(served(&shadow).unwrap(), model(&before), "write {position}, {leaves:?}");
            shadow.apply(&steps(STEPS)).unwrap();
            assert_eq!(served(&shadow).unwrap(), model(&steps(STEPS)), "and it catches up");
        }
    }
    assert_eq!(outcomes, [45, 1, 2]);
}

#[test]
fn a_projector_whose_shadow_fails_says_so_to_everybody_and_the_shadow_is_made_again() {
    for position in 0..6 {
        let memory = Memory::default();
        let folder = tempfile::tempdir().unwrap();
        let shadow = Arc::new(to_go_on(open(folder.path(), &memory)).0);
        memory.0.lock().unwrap().fails = Some((position, Leaves::Nothing));
        let projector = Projector::start(Arc::clone(&shadow));
        // One at a time, each written before the next, so that the position is what it says.
        for number in 1..=STEPS {
            let _told = projector.hand(step(number));
            while projector.broken().is_none() && projector.reached() < number * STEP_ENTRIES {
                std::thread::yield_now();
            }
        }
        let broken = projector.broken().expect("it says so");
        assert_eq!(projector.hand(step(1)), Err(broken.clone()));
        assert_eq!(projector.lag(SIZE), SIZE - position as u64 / 2 * STEP_ENTRIES);
        assert_eq!(projector.close(), Err(broken));

        *memory.0.lock().unwrap() = super::memory::Inside::default();
        rebuild(&shadow, steps(STEPS).into_iter().map(Ok::<_, String>), &mut |_| ()).unwrap();
        assert_eq!(served(&shadow).unwrap(), model(&steps(STEPS)));
        assert_eq!(shadow.fault(), None);
    }
}

#[test]
fn a_flush_that_fails_breaks_the_shadow_too() {
    let memory = Memory::default();
    let folder = tempfile::tempdir().unwrap();
    let shadow = Arc::new(to_go_on(open(folder.path(), &memory)).0);
    memory.0.lock().unwrap().fails = Some((2, Leaves::Nothing));
    let projector = Projector::start(Arc::clone(&shadow));
    projector.hand(step(1)).unwrap();
    assert!(projector.close().is_err());
    assert!(shadow.fault().is_some());
}
