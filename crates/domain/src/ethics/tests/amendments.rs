//! What the registrant may correct, until when, and what stays of what was said before.

use super::*;

fn amended(changes: &[(&'static str, Value<'static>)]) -> Members {
    with(vec![("by", t(OFFICER)), ("reason", sealed())], changes)
}

fn on(day: &'static str) -> Members {
    amended(&[("on", t(day))])
}

#[test]
fn an_amendment_adds_a_word_and_keeps_the_one_before() {
    let mut house = House::reported("gift");
    let before = house.registration().word();
    house.on("2026-02-04");

    house.ok(
        "ethics.amended",
        with(on("2026-02-01"), &[("basis", t("courtesy")), ("interested", yes(false))]),
    );
    house.ok("ethics.amended", amended(&[("value", sealed())]));

    let registration = house.registration();
    let now = registration.word();
    assert_eq!((now.basis, now.interested), (Some(Basis::Courtesy), false));
    assert_eq!([now.on, now.due_on].map(|day| day.to_string()), ["2026-02-01", "2026-02-04"]);
    let today = Day::parse("2026-02-04").unwrap();
    let kept = [Amendment { on: today, was: Some(before) }, Amendment { on: today, was: None }];
    assert_eq!(registration.amended, kept);
    assert_eq!(registration.status(), Status::Reported);
}

#[test]
fn an_amendment_never_takes_a_breach_away_and_may_show_one() {
    let mut late = House::new();
    late.on("2026-02-10");
    late.ok("ethics.reported", report("gift"));
    assert_eq!(late.breaches(), [Breach::LateReport]);
    late.ok("ethics.amended", on("2026-02-09"));
    assert_eq!(late.breaches(), [Breach::LateReport]);

    let mut in_time = House::reported("gift");
    in_time.ok("ethics.amended", on("2026-01-20"));
    assert_eq!(in_time.breaches(), [Breach::LateReport]);

    let mut dined = House::reported("entertainment");
    dined.on("2026-02-03");
    dined.ok("ethics.seen", seen());
    dined.ok("ethics.amended", with(on("2026-02-05"), &[("basis", t("life_event"))]));
    dined.ok("ethics.logged", with(logged("entertainment"), &[("received_on", t("2026-02-03"))]));
    dined.ok("ethics.disposed", disposed("attended"));
    assert_eq!(dined.breaches(), [Breach::NotApprovedBefore]);
}

#[test]
fn a_gift_is_amended_to_no_day_that_is_still_to_come_and_an_invitation_may() {
    for kind in ["gift", "lobbying"] {
        House::reported(kind).refused("ethics.amended", on("2026-02-03"), Refusal::DayAhead);
    }
    for kind in ["entertainment", "other"] {
        House::reported(kind).ok("ethics.amended", on("2026-02-03"));
    }
}

#[test]
fn an_exception_or_an_activity_is_amended_where_the_type_has_one() {
    let cases = [
        ("gift", "basis", "life_event", true),
        ("gift", "basis", "festival", false),
        ("entertainment", "basis", "festival", true),
        ("lobbying", "basis", "none", false),
        ("other", "basis", "none", false),
        ("other", "activity", "writing", true),
        ("gift", "activity", "lecture", false),
    ];
    for (kind, name, value, fits) in cases {
        let mut house = House::reported(kind);
        let members = amended(&[(name, t(value))]);
        if fits {
            house.ok("ethics.amended", members);
        } else {
            house.refused("ethics.amended", members, Refusal::TypeDiffers);
        }
    }
}

#[test]
fn what_the_ethics_office_attested_rests_on_plain_members_that_stand_and_sealed_ones_are_amended_until_closed()
 {
    for (name, value) in [("on", t("2026-02-01")), ("interested", yes(false)), ("basis", t("courtesy"))] {
        House::logged("gift").refused("ethics.amended", amended(&[(name, value)]), Refusal::LoggedBefore);
    }
    House::logged("gift").ok("ethics.amended", amended(&[("source", sealed())]));
    House::closed().refused("ethics.amended", amended(&[("source", sealed())]), Refusal::RegistrationClosed);
}

#[test]
fn only_the_registrant_amends_and_sixteen_times_at_most() {
    let mut house = House::reported("gift");
    let other = with(on("2026-02-01"), &[("by", t(SUPERIOR))]);
    house.refused("ethics.amended", other, Refusal::NotRegistrant);
    for _ in 0..AMENDMENTS_MAX {
        house.ok("ethics.amended", correction());
    }
    house.refused("ethics.amended", on("2026-02-01"), Refusal::AmendedOften);
}

#[test]
fn an_amendment_says_why_and_corrects_something() {
    let fits = |members: Members| parse_on(STREAM, "ethics.amended", members).is_ok();
    assert!(!fits(amended(&[])));
    for (name, value) in [("on", t("2026-02-01")), ("interested", yes(true)), ("item", sealed())] {
        assert!(fits(amended(&[(name, value.clone())])), "{name}");
        assert!(!fits(without(amended(&[(name, value)]), "reason")), "{name}");
    }
    for (name, value) in [("type", t("other")), ("unit", t("office:E")), ("head", yes(true))] {
        let members = with(on("2026-02-01"), &[(name, value)]);
        assert!(!fits(members), "{name} is not amended: it is another registration");
    }
}
