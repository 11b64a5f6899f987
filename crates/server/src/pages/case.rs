//! The page of one case: clocks, handovers with their three signatures, exhibits with their custody,
//! and what happened.
//! Invariant: days left go by the earlier last day of both ways of counting, as the alarm does.

use lian_domain::{
    cases::{Exhibit, Handover},
    dates::Day,
    views::cases::CaseFile,
};

use super::{
    Seal, Word,
    cases::{alarm, clock_row, days_left, drawn, left_words},
    chart::lying::Row,
    guarantee::Event,
    names,
    view::{Cell, Section, Table, ViewPage},
};

/// The page.
pub fn file(seal: Seal, file: &CaseFile, timeline: Vec<Event>, size: u64) -> ViewPage {
    let title = format!("{} {}", seal.say(Word::Case), file.case.no);
    let mut page = ViewPage::new(seal, title, Word::CaseNote, size);
    let seal = &page.seal;
    let case = &file.case;
    let (class, status) =
        (if case.status.runs_against_clock() { "wait" } else { "done" }, case.status.name());
    page.tag = Some((names::words(names::CASES, status, seal.lang), class));
    page.beside = vec![(seal.link("/cases/clocks"), seal.say(Word::CaseClocks).to_owned())];
    page.facts = vec![
        (Word::Officer, Cell::text(case.officer.to_string())),
        (Word::OfficerSince, Cell::day(case.officer_since)),
        (Word::Section, Cell::text(case.section.to_string())),
        (Word::DetectedOn, Cell::day(case.detected_on)),
        (Word::OpenedOn, Cell::day(case.opened_on)),
        (Word::DayAsked, Cell::day(file.today)),
    ];
    let mut clocks = Section::of("clocks", Word::EachClock, clocks(seal, file), Word::NoClock);
    if !file.clocks.is_empty() {
        clocks.picture = Some(picture(seal, file));
        clocks.note = Some(Word::TimeLeftNote);
    }
    let handovers = handovers(seal, &file.handovers);
    let note = Some(Word::HandoversNote);
    let handovers =
        Section { note, ..Section::of("handovers", Word::Handovers, handovers, Word::NoHandovers) };
    let exhibits = exhibits(seal, &file.exhibits);
    let note = Some(Word::ExhibitsNote);
    let exhibits = Section { note, ..Section::of("exhibits", Word::Exhibits, exhibits, Word::NoExhibits) };
    let history = Section { timeline, ..Section::new("history", Word::Timeline) };
    page.sections = vec![clocks, handovers, exhibits, history];
    page.complete = file.complete;
    page
}

fn clocks(seal: &Seal, file: &CaseFile) -> Table {
    let heads = [
        Word::Article,
        Word::Clock,
        Word::CountedFrom,
        Word::LastCounted,
        Word::LastUncounted,
        Word::Left,
        Word::Alarm,
    ];
    let mut table = Table::new(seal, Word::EachClock, &heads);
    table.rows = file.clocks.iter().map(|clock| clock_row(seal, clock, file.today)).collect();
    table
}

fn picture(seal: &Seal, file: &CaseFile) -> String {
    let rows = file.clocks.iter().filter(|clock| clock.governs()).map(|clock| {
        let (words, class) = alarm(clock.warning, seal.lang);
        let days = days_left(clock.earlier(), file.today);
        let says = left_words(days, seal.lang);
        Row {
            label: format!("{} {}", clock.article, clock.code.name()),
            from: 0,
            length: u64::try_from(days).unwrap_or(0),
            says: if clock.warning.is_some_and(|months| months > 0) {
                format!("{says} · {words}")
            } else {
                says
            },
            class,
        }
    });
    drawn(seal, &rows.collect::<Vec<_>>())
}

/// Who signed, and when; or that the signature is still wanting.
fn signed(seal: &Seal, actor: &str, on: Option<Day>) -> Cell {
    match on {
        Some(on) => Cell { iso: Some(on.to_string()), ..Cell::text(format!("{actor} {}", on.to_roc())) },
        None => Cell::marked(format!("{actor} · {}", seal.say(Word::NotSigned)), "wait"),
    }
}

fn handovers(seal: &Seal, found: &[Handover]) -> Table {
    let heads = [Word::HandoverNo, Word::SignedOut, Word::SignedIn, Word::Supervised, Word::ListDigest];
    let mut table = Table::new(seal, Word::Handovers, &heads);
    for handover in found {
        let listing = &handover.listing;
        let no = match handover.withdrawn_on {
            Some(on) => Cell::marked(
                format!("{} · {} {}", listing.no, seal.say(Word::WithdrawnOn), on.to_roc()),
                "done",
            ),
            None => Cell::id(listing.no.to_string()),
        };
        table.rows.push(vec![
            no,
            signed(seal, &listing.outgoing.to_string(), Some(handover.signed_out_on)),
            signed(seal, &listing.incoming.to_string(), handover.signed_in_on),
            signed(seal, &listing.supervisor.to_string(), handover.supervised_on),
            Cell::hash(seal.short(&listing.list)),
        ]);
    }
    table
}

fn exhibits(seal: &Seal, found: &[Exhibit]) -> Table {
    let heads = [
        Word::Exhibit,
        Word::Custodian,
        Word::KeptAt,
        Word::SealNumber,
        Word::Goods,
        Word::TotalIn,
        Word::OnHand,
        Word::OutForAWhile,
        Word::GoneForGood,
        Word::Missing,
    ];
    let mut table = Table::new(seal, Word::Exhibits, &heads);
    for exhibit in found {
        for line in &exhibit.lines {
            let gone = line.gone.iter().fold(0_u64, |sum, gone| sum.saturating_add(*gone));
            let numbers = [line.total_in(), line.on_hand, line.out, gone, line.missing].map(Cell::number);
            let names = [
                Cell::id(exhibit.no.to_string()),
                Cell::text(exhibit.custodian.to_string()),
                Cell::text(exhibit.place.to_string()),
                Cell::text(exhibit.seal.to_string()),
                Cell::text(format!("{} {}", line.item.goods.as_str(), line.item.unit)),
            ];
            table.rows.push(names.into_iter().chain(numbers).collect());
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Lang, tests::seal},
        *,
    };

    #[test]
    fn a_handover_names_who_signed_and_when_and_whose_signature_is_wanting() {
        let day = Day::parse("2026-11-23");
        let seal = seal(Lang::En);
        let given = signed(&seal, "officer:7f3k", day);
        assert_eq!((&*given.text, given.iso.as_deref()), ("officer:7f3k 115/11/23", Some("2026-11-23")));
        let wanting = signed(&seal, "officer:c29x", None);
        assert_eq!((&*wanting.text, wanting.class), ("officer:c29x · not signed", "wait"));
    }
}
