//! A draw: who gave numbers, what came of them, and how to draw again; and the list of draws.
//! Invariant: without the names, the page says no more than the public view of the draw.

use lian_core::hash::Digest;
use lian_domain::{
    draws::{Committer, Difference, State},
    views::{View, draws::Draw},
};

use super::{
    Lang, Moment, Seal, Word, group,
    home::Health,
    names,
    view::{Cell, Section, Table, ViewPage},
};

/// Path of the page of a draw.
pub fn path(state: &State) -> String {
    format!("/draws/{}/{}", state.scheme, state.period)
}

/// The page. `named` if this reader may know who was drawn.
pub fn draw(seal: Seal, draw: &Draw, named: bool, size: u64) -> ViewPage {
    let state = &draw.state;
    let scheme = names::words(names::SCHEMES, &state.scheme, seal.lang);
    let title = format!("{scheme} · {}", state.period);
    let mut page = ViewPage::new(seal, title, Word::DrawsNote, size);
    let seal = &page.seal;
    page.tag = Some(standing(seal, state));
    page.beside = vec![(seal.link("/draws"), seal.say(Word::Draws).to_owned())];
    page.facts = facts(seal, state, named || state.counts_are_public());
    let parties = Section::of("parties", Word::Parties, parties(seal, state), Word::NoneSo);
    let mut outcome = Section::new("outcome", Word::Outcome);
    match &state.outcome {
        None => outcome.note = Some(Word::NotDrawn),
        Some(closing) => {
            outcome.facts.push((Word::SealEpoch, Cell::text(group(closing.epoch))));
            outcome.facts.push((Word::Seed, Cell::hash(seal.whole(&closing.seed))));
            let drawn = closing.drawn.len() as u64;
            outcome.facts.push((Word::Drawn, number(seal, drawn, named || state.counts_are_public())));
            if named {
                let mut table = Table::new(seal, Word::DrawnNames, &[Word::Index, Word::Object]);
                for (at, name) in (1..).zip(&closing.drawn) {
                    table.rows.push(vec![Cell::text(group(at)), Cell::text(&**name)]);
                }
                outcome.table = Some(table);
            } else {
                outcome.note = Some(Word::NamesWithheld);
            }
        }
    }
    let mut check = Section::new("check", Word::DrawCheck);
    check.note = Some(Word::DrawCheckNote);
    check.code = Some(format!("lian draw check {} {}", state.scheme, state.period));
    let mut again = Section::new("again", Word::DrawnAgain);
    again.results = results(seal, draw, named);
    page.sections = vec![parties, outcome, again, check];
    page.digest = Some(if named { draw.digest() } else { draw.public().digest() });
    page
}

fn standing(seal: &Seal, state: &State) -> (String, &'static str) {
    let (word, class) = if state.outcome.is_some() { (Word::Closed, "pass") } else { (Word::Open, "wait") };
    (seal.say(word).to_owned(), class)
}

/// How many there are, to readers who may know it.
fn number(seal: &Seal, number: u64, told: bool) -> Cell {
    if told { Cell::text(group(number)) } else { Cell::marked(seal.say(Word::NotTold), "done") }
}

fn facts(seal: &Seal, state: &State, counted: bool) -> Vec<(Word, Cell)> {
    let opened = Moment::of_ms(state.opened_at);
    let opened = if state.late {
        Cell::marked(format!("{} · {}", opened.roc, seal.say(Word::OpenedLate)), "fail")
    } else {
        Cell::moment(opened)
    };
    vec![
        (Word::Scheme, Cell::text(&*state.scheme)),
        (Word::Period, Cell::text(state.period.to_string())),
        (Word::OpenedAt, opened),
        (Word::CommitUntil, Cell::moment(Moment::of_ms(state.commit_until))),
        (Word::Members, number(seal, state.members, counted)),
        (Word::ToDraw, Cell::text(group(u64::from(state.count)))),
        (Word::PopulationEpoch, Cell::text(group(state.epoch))),
        (
            Word::PopulationRoot,
            if counted {
                Cell::hash(seal.whole(&state.population))
            } else {
                Cell::marked(seal.say(Word::NotTold), "done")
            },
        ),
    ]
}

fn parties(seal: &Seal, state: &State) -> Table {
    let mut table = Table::new(seal, Word::Parties, &[Word::Parties, Word::Committed, Word::Revealed]);
    let given = |digest: Option<&Digest>, none: Word| match digest {
        Some(digest) => Cell::hash(seal.short(digest)),
        None => Cell::marked(seal.say(none), "wait"),
    };
    let row = |party: &Committer| {
        vec![
            Cell::text(&*party.actor),
            given(party.commitment.as_ref(), Word::NotCommitted),
            given(party.random.as_ref(), Word::NotRevealed),
        ]
    };
    table.rows = state.committers.iter().map(row).collect();
    table
}

/// Whether a difference belongs to a part of a draw.
type Belongs = fn(&Difference) -> bool;

/// One result for everybody; to whoever may know the names, each part of the draw.
fn results(seal: &Seal, draw: &Draw, named: bool) -> Vec<Health> {
    let open = draw.state.outcome.is_none();
    if !named {
        return vec![match (open, draw.agrees()) {
            (true, _) => Health::unconfirmed(seal.say(Word::DrawOpen)),
            (false, true) => Health::pass(seal.say(Word::DrawAgrees)),
            (false, false) => Health::fail(seal.say(Word::DrawDiffers)),
        }];
    }
    let zh = seal.lang == Lang::Zh;
    let said = |zh_text: &'static str, en: &'static str| if zh { zh_text } else { en };
    let parts: [(&str, Belongs); 4] = [
        (
            said("母體：由該時段之狀態重新列出", "population: listed again from the states of its epoch"),
            |found| {
                matches!(
                    found,
                    Difference::Members { .. } | Difference::Population { .. } | Difference::Unordered(_)
                )
            },
        ),
        (said("揭示：與先前承諾相符", "reveals: as they were committed to"), |found| {
            matches!(found, Difference::Reveal(_))
        }),
        (
            said(
                "種子：由揭示與封存時段之根重算",
                "seed: computed again from the reveals and the root of the seal epoch",
            ),
            |found| matches!(found, Difference::Seed { .. }),
        ),
        (
            said("名單：依種子重抽，逐名相同", "names: drawn again from the seed, each in its place"),
            |found| matches!(found, Difference::Drawn { .. }),
        ),
    ];
    let mut results = Vec::new();
    for (place, (text, belongs)) in parts.into_iter().enumerate() {
        let found: Vec<String> =
            draw.differences.iter().filter(|found| belongs(found)).map(ToString::to_string).collect();
        results.push(if !found.is_empty() {
            Health::fail(format!("{text}: {}", found.join("; ")))
        } else if place > 1 && open {
            Health::unconfirmed(text)
        } else {
            Health::pass(text)
        });
    }
    results
}

/// What a list of draws is.
#[derive(Debug, Clone, Copy)]
pub struct Listing {
    /// All draws are in it.
    pub complete: bool,
    /// Its reader may know who was drawn.
    pub named: bool,
}

/// The list of draws, as they come.
pub fn list(seal: Seal, draws: &[State], listing: Listing, size: u64) -> ViewPage {
    let title = seal.say(Word::Draws).to_owned();
    let mut page = ViewPage::new(seal, title, Word::DrawsNote, size);
    let seal = &page.seal;
    let heads = [Word::Scheme, Word::Period, Word::Status, Word::OpenedAt, Word::Members, Word::Drawn];
    let mut table = Table::new(seal, Word::Draws, &heads);
    for state in draws {
        let (word, class) = standing(seal, state);
        let counted = |count: u64| Cell {
            class: "number",
            ..number(seal, count, listing.named || state.counts_are_public())
        };
        let drawn = state.outcome.as_ref();
        let drawn = drawn.map_or_else(Cell::none, |outcome| counted(outcome.drawn.len() as u64));
        table.rows.push(vec![
            Cell::text(names::words(names::SCHEMES, &state.scheme, seal.lang)).to(seal.link(&path(state))),
            Cell::text(state.period.to_string()).to(seal.link(&path(state))),
            Cell::marked(word, class),
            Cell::moment(Moment::of_ms(state.opened_at)),
            counted(state.members),
            drawn,
        ]);
    }
    page.sections = vec![Section::only(table, Word::NoDraws)];
    page.complete = listing.complete;
    page
}
