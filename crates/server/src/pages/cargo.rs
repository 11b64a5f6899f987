//! Cargo: one bag from manifest to gate-out, the bags of a master waybill, and the list of bags.
//! Invariant: the picture of the pieces is made of the same sums as the check beside it.

use lian_domain::{
    clearance::{self, Cargo, Conservation, Hawb, Imbalance, Mawb, TaxStep},
    views::{
        View,
        cargo::{Bag, WaybillView, stages},
    },
};

use super::{
    Lang, Moment, Seal, Word,
    chart::lying::{self, Mark, Row},
    group,
    guarantee::Event,
    home::Health,
    names,
    view::{Cell, Section, Stage, Table, ViewPage, signed},
};

/// Path of the page of a bag.
pub fn path(mawb: &str, hawb: &str) -> String {
    format!("/clearance/{mawb}/{hawb}")
}

/// The page of one bag.
pub fn bag(seal: Seal, mawb: &Mawb, bag: &Bag, timeline: Vec<Event>, size: u64) -> ViewPage {
    let cargo = bag.cargo();
    let title = format!("{} {mawb}/{}", seal.say(Word::Bag), bag.hawb);
    let mut page = ViewPage::new(seal, title, Word::CargoNote, size);
    let seal = &page.seal;
    page.tag = Some(standing(seal.lang, cargo));
    page.facts = facts(seal, cargo);
    page.beside =
        vec![(seal.link(&format!("/clearance/{mawb}")), format!("{} {mawb}", seal.say(Word::Waybill)))];
    let mut sections = vec![way(seal, cargo)];
    let sums = clearance::conservation(None, [(bag.hawb, cargo)]);
    sections.push(pieces(seal, &sums, |finding| *finding != Imbalance::NoWaybill));
    sections.push(duty(seal, cargo));
    sections.push(Section::of("holds", Word::Holds, holds(seal, cargo), Word::NoHolds));
    sections.push(Section::of("exceptions", Word::OpenExceptions, exceptions(seal, cargo), Word::NoneSo));
    let note = Some(Word::AdviceNote);
    sections.push(Section { note, ..Section::of("advice", Word::Advice, advice(seal, cargo), Word::NoneSo) });
    sections.push(Section { timeline, ..Section::new("timeline", Word::FromManifest) });
    page.sections = sections;
    page.digest = Some(bag.digest());
    page
}

/// The stage that was reached last, in a word.
fn standing(lang: Lang, cargo: &Cargo) -> (String, &'static str) {
    if cargo.gone_unreleased > 0 {
        return (Word::PiecesUnreleased.say(lang).to_owned(), "fail");
    }
    if cargo.held() > 0 {
        return (Word::PiecesHeld.say(lang).to_owned(), "wait");
    }
    let reached = stages(cargo).into_iter().rfind(|(_, reached)| *reached);
    let (name, class) = match reached {
        Some((name @ ("released" | "gated_out"), _)) => (name, "pass"),
        Some((name, _)) => (name, "wait"),
        None => return (Word::Nothing.say(lang).to_owned(), "done"),
    };
    (names::words(names::STAGES, name, lang), class)
}

fn facts(seal: &Seal, cargo: &Cargo) -> Vec<(Word, Cell)> {
    let mut facts = vec![(Word::Lane, lane(seal, cargo))];
    if let Some(declared) = &cargo.declared {
        facts.push((Word::Declaration, Cell::text(declared.declaration.to_string())));
        facts.push((Word::Broker, Cell::text(declared.broker.to_string())));
        let importer = declared.importer.map_or_else(Cell::none, |importer| Cell::text(importer.to_string()));
        facts.push((Word::Importer, importer));
    }
    if let Some(manifest) = &cargo.manifest {
        facts.push((Word::Flight, Cell::text(format!("{} ({})", manifest.flight, manifest.carrier))));
        facts.push((Word::ArrivalAt, at(manifest.arrival_at)));
    }
    if let Some(stored) = &cargo.stored {
        facts.push((Word::Warehouse, Cell::text(stored.warehouse.to_string())));
    }
    if let Some(laid) = &cargo.presented {
        facts.push((Word::InspectionLine, Cell::text(laid.line.to_string())));
    }
    if let Some(seen) = cargo.image.as_ref().and_then(|image| image.reading.as_ref()) {
        let says = names::words(names::READINGS, seen.verdict.as_str(), seal.lang);
        facts
            .push((Word::ImageSays, Cell::text(format!("{says} · {} · {}", seen.officer, seen.on.to_roc()))));
    }
    if let Some(finding) = cargo.inspection {
        let says = names::words(names::FINDINGS, finding.as_str(), seal.lang);
        facts.push((Word::InspectionSays, Cell::text(says)));
    }
    if !cargo.flags.is_empty() {
        let flags: Vec<String> =
            cargo.flags.iter().map(|flag| names::words(names::FLAGS, flag.as_str(), seal.lang)).collect();
        facts.push((Word::Flags, Cell::marked(flags.join(" · "), "fail")));
    }
    facts
}

fn lane(seal: &Seal, cargo: &Cargo) -> Cell {
    let Some(lane) = cargo.lane() else { return Cell::text(seal.say(Word::NoLane)) };
    let mut parts =
        vec![format!("{} {}", lane.as_str(), names::words(names::LANES, lane.as_str(), seal.lang))];
    if let Some(screening) = &cargo.screening {
        parts.push(names::words(names::MODES, screening.mode.as_str(), seal.lang));
        parts.push(format!("{} {}", seal.say(Word::Model), screening.model));
    }
    if cargo.target.is_some() {
        parts.push(seal.say(Word::ByTarget).to_owned());
    }
    Cell::text(parts.join(" · "))
}

fn at(moment: clearance::Moment) -> Cell {
    let ms = u64::try_from(moment.0).unwrap_or(0).saturating_mul(1_000);
    Cell::moment(Moment::of_ms(ms))
}

/// The strip of stages; what this bag can do without says so.
fn way(seal: &Seal, cargo: &Cargo) -> Section {
    let stage = |(name, reached): (&'static str, bool)| {
        let free = match name {
            "imaged" | "read" => !cargo.needs_image(),
            "inspected" => !cargo.needs_inspection(),
            _ => false,
        };
        let (word, class) = match (reached, free) {
            (true, _) if name == "gated_out" && cargo.gone_unreleased > 0 => (Word::PiecesUnreleased, "fail"),
            (true, _) => (Word::StageDone, "pass"),
            (false, true) => (Word::StageFree, "done"),
            (false, false) => (Word::StageOpen, "wait"),
        };
        Stage { name: names::words(names::STAGES, name, seal.lang), word: seal.say(word), class }
    };
    Section { stages: stages(cargo).map(stage).into(), ..Section::new("way", Word::Stages) }
}

/// What stands for the pieces, in the order of the sum: word, number, class.
fn parts(sums: &Conservation) -> [(Word, i64, &'static str); 7] {
    [
        (Word::PiecesReleased, sums.released, "pass"),
        (Word::PiecesHeld, sums.held, "wait"),
        (Word::PiecesSeized, sums.seized, "fail"),
        (Word::PiecesReturned, sums.returned, "done"),
        (Word::PiecesAbandoned, sums.abandoned, "done"),
        (Word::PiecesOnHand, sums.on_hand, "wait"),
        (Word::PiecesAwaited, sums.awaited, "wait"),
    ]
}

/// Whether the pieces add up: sentence, picture, table. `counts` says which findings are meant.
fn pieces(seal: &Seal, sums: &Conservation, counts: impl Fn(&Imbalance) -> bool) -> Section {
    let mut section = Section::new("pieces", Word::Pieces);
    section.note = Some(Word::PiecesNote);
    let wrong: Vec<Health> = sums
        .findings
        .iter()
        .filter(|finding| counts(finding))
        .map(|finding| imbalance(seal, finding))
        .collect();
    let equation = format!("{} = {}", signed(sums.expected()), signed(sums.standing()));
    section.results = if wrong.is_empty() {
        vec![Health::pass(format!("{}: {equation}", seal.say(Word::PiecesHold)))]
    } else {
        wrong
    };
    section.picture = Some(picture(seal, sums));
    let mut table = Table::new(seal, Word::Pieces, &[Word::Status, Word::PieceCount]);
    let mut row = |word: Word, number: i64| {
        table.rows.push(vec![Cell::text(seal.say(word)), Cell::signed(number)]);
    };
    row(Word::PiecesManifest, sums.manifest);
    row(Word::PiecesAmended, sums.amended);
    row(Word::PiecesLanded, sums.landed);
    row(Word::PiecesExpected, sums.expected());
    for (word, number, _) in parts(sums) {
        row(word, number);
    }
    row(Word::PiecesGone, sums.gone);
    row(Word::PiecesUnreleased, sums.gone_unreleased);
    section.table = Some(table);
    section
}

/// Each standing begins where the one above it ends: together they reach the mark, or do not.
fn picture(seal: &Seal, sums: &Conservation) -> String {
    let whole = u64::try_from(sums.expected()).unwrap_or(0);
    let mut rows = vec![Row {
        label: seal.say(Word::PiecesExpected).to_owned(),
        from: 0,
        length: whole,
        says: signed(sums.expected()),
        class: "plain",
    }];
    let mut from = 0_u64;
    let alone = [(Word::PiecesUnreleased, sums.gone_unreleased, "fail")];
    for (word, number, class) in parts(sums).into_iter().chain(alone).filter(|(_, number, _)| *number != 0) {
        let length = u64::try_from(number).unwrap_or(0);
        let mut says = signed(number);
        if word == Word::PiecesReleased && sums.gone > 0 {
            says = format!("{says} · {} {}", seal.say(Word::PiecesGone), signed(sums.gone));
        }
        rows.push(Row { label: seal.say(word).to_owned(), from, length, says, class });
        from = from.saturating_add(length);
    }
    let mark = Mark { at: whole, label: String::new() };
    lying::rows(&rows, &[mark], whole.max(from).max(1), seal.say(Word::Pieces))
}

fn imbalance(seal: &Seal, finding: &Imbalance) -> Health {
    let zh = seal.lang == Lang::Zh;
    Health::fail(match finding {
        Imbalance::Cargo(hawb, by) if zh => format!("{hawb}：差 {by} 件"),
        Imbalance::Cargo(hawb, by) => format!("{hawb}: {by} pieces do not add up"),
        Imbalance::GoneUnreleased(hawb, pieces) if zh => format!("{hawb}：未經放行出倉 {pieces} 件"),
        Imbalance::GoneUnreleased(hawb, pieces) => format!("{hawb}: {pieces} pieces left without release"),
        Imbalance::BelowZero(hawb, pieces) if zh => format!("{hawb}：處置件數多於點收 {pieces} 件"),
        Imbalance::BelowZero(hawb, pieces) => {
            format!("{hawb}: {pieces} more pieces are placed than were counted")
        }
        Imbalance::Twice(hawb) if zh => format!("{hawb}：重複計入"),
        Imbalance::Twice(hawb) => format!("{hawb}: counted twice"),
        Imbalance::NoWaybill if zh => "主號艙單未在帳上".to_owned(),
        Imbalance::NoWaybill => "no manifest of the master waybill is on record".to_owned(),
        Imbalance::Bills(said, found) if zh => format!("主號載 {said} 袋，實見 {found} 袋"),
        Imbalance::Bills(said, found) => {
            format!("the master waybill names {said} bags, {found} were found")
        }
        Imbalance::Pieces(said, found) if zh => format!("主號載 {said} 件，各袋合計 {found} 件"),
        Imbalance::Pieces(said, found) => format!("the master waybill names {said} pieces, its bags {found}"),
    })
}

fn duty(seal: &Seal, cargo: &Cargo) -> Section {
    let mut section = Section::new("duty", Word::Duty);
    let Some(tax) = &cargo.tax else {
        section.note = Some(Word::DutyOpen);
        return section;
    };
    let how = names::words(names::TAX_STEPS, tax.step.as_str(), seal.lang);
    let class = if tax.step == TaxStep::Deposit { "wait" } else { "pass" };
    section.facts.push((Word::DutyStep, Cell::marked(how, class)));
    if let Some(amount) = tax.amount {
        let text = format!("{} {}", seal.say(Word::NtDollars), group(amount.get()));
        section.facts.push((Word::Amount, Cell::text(text)));
    }
    if let Some(no) = &tax.guarantee {
        let no = no.to_string();
        section.facts.push((Word::Guarantee, Cell::text(no.clone()).to(seal.guarantee(&no))));
    }
    section
}

fn holds(seal: &Seal, cargo: &Cargo) -> Table {
    let heads = [Word::HoldNumber, Word::HoldBasis, Word::PieceCount, Word::HoldSince, Word::HoldReview];
    let mut table = Table::new(seal, Word::Holds, &heads);
    for hold in cargo.holds.iter() {
        table.rows.push(vec![
            Cell::number(hold.number),
            Cell::text(names::words(names::BASES, hold.basis.as_str(), seal.lang)),
            Cell::number(hold.pieces),
            Cell::day(hold.on),
            Cell::day(hold.review_by),
        ]);
    }
    table
}

fn exceptions(seal: &Seal, cargo: &Cargo) -> Table {
    let heads =
        [Word::HoldNumber, Word::Type, Word::PieceCount, Word::StoredAt, Word::HoldSince, Word::Status];
    let mut table = Table::new(seal, Word::OpenExceptions, &heads);
    for open in cargo.exceptions.iter() {
        let status = if open.answered { "answered" } else { "open" };
        table.rows.push(vec![
            Cell::number(open.number),
            Cell::text(names::words(names::EXCEPTIONS, open.exception.as_str(), seal.lang)),
            Cell::number(open.pieces),
            Cell::text(open.storage.to_string()),
            Cell::day(open.on),
            Cell::text(names::words(names::EXCEPTION_STATUS, status, seal.lang)),
        ]);
    }
    table
}

fn advice(seal: &Seal, cargo: &Cargo) -> Table {
    let heads = [Word::Source, Word::Model, Word::AdvisedTimes, Word::FlaggedTimes];
    let mut table = Table::new(seal, Word::Advice, &heads);
    for line in cargo.advice.iter() {
        table.rows.push(vec![
            Cell::text(names::words(names::ADVISERS, line.source.as_str(), seal.lang)),
            Cell::text(line.model.to_string()),
            Cell::number(line.pieces),
            Cell::number(line.flagged),
        ]);
    }
    table
}

/// The page of a master waybill.
pub fn waybill(seal: Seal, view: &WaybillView, size: u64) -> ViewPage {
    let title = format!("{} {}", seal.say(Word::Waybill), view.mawb);
    let mut page = ViewPage::new(seal, title, Word::CargoNote, size);
    let seal = &page.seal;
    let mawb = view.mawb.to_string();
    let holds = view.sums.holds();
    let (word, class) = if holds { (Word::PiecesHold, "pass") } else { (Word::PiecesDiffer, "fail") };
    page.tag = Some((seal.say(word).to_owned(), class));
    let rows = view.bags.iter().take(lying::ROWS_MAX * 5);
    let rows = rows.map(|bag| line(seal, &mawb, &bag.hawb, bag.cargo())).collect();
    let table = Table { rows, ..list_of(seal) };
    let complete = view.complete && view.bags.len() == table.rows.len();
    let sections =
        vec![pieces(seal, &view.sums, |_| true), Section::of("bags", Word::Cargo, table, Word::NoneSo)];
    page.beside = vec![(seal.link("/clearance"), seal.say(Word::Cargo).to_owned())];
    (page.sections, page.complete, page.digest) = (sections, complete, Some(view.digest()));
    page
}

/// One bag of a list, by its stream.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Master waybill.
    pub mawb: Mawb,
    /// Bag or house bill.
    pub hawb: Hawb,
    /// What is known of it.
    pub cargo: Cargo,
}

/// The list of bags. `next` is the stream after which the next page begins.
pub fn list(seal: Seal, bags: &[Listed], next: Option<&str>, size: u64) -> ViewPage {
    let title = seal.say(Word::Cargo).to_owned();
    let mut page = ViewPage::new(seal, title, Word::CargoNote, size);
    let seal = &page.seal;
    let rows = bags.iter().map(|bag| line(seal, &bag.mawb.to_string(), &bag.hawb, &bag.cargo)).collect();
    let table = Table { rows, ..list_of(seal) };
    let next = next.map(|after| {
        (seal.link(&format!("/clearance?after={after}")), format!("{} →", seal.say(Word::Next)))
    });
    page.beside = next.into_iter().collect();
    page.sections = vec![Section::only(table, Word::NoneSo)];
    page
}

fn list_of(seal: &Seal) -> Table {
    let heads = [Word::Waybill, Word::Bag, Word::Status, Word::Lane, Word::PieceCount, Word::PiecesGone];
    Table::new(seal, Word::Cargo, &heads)
}

fn line(seal: &Seal, mawb: &str, hawb: &Hawb, cargo: &Cargo) -> Vec<Cell> {
    let (word, class) = standing(seal.lang, cargo);
    let lane = cargo.lane().map_or_else(Cell::none, |lane| Cell::text(lane.as_str()));
    vec![
        Cell::id(mawb).to(seal.link(&format!("/clearance/{mawb}"))),
        Cell::id(hawb.to_string()).to(seal.link(&path(mawb, hawb.as_str()))),
        Cell::marked(word, class),
        lane,
        Cell::signed(cargo.expected()),
        Cell::number(cargo.gone),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::seal;

    #[test]
    fn pieces_that_do_not_add_up_are_said_in_words_and_drawn_beyond_the_mark() {
        let hawb = Hawb::parse("598FJ923").unwrap();
        let findings = vec![Imbalance::Cargo(hawb, -2), Imbalance::NoWaybill];
        let sums = Conservation { manifest: 3, released: 5, findings, ..Conservation::default() };

        let of_bag = pieces(&seal(Lang::En), &sums, |finding| *finding != Imbalance::NoWaybill);
        let of_all = pieces(&seal(Lang::Zh), &sums, |_| true);

        assert_eq!((of_bag.results.len(), of_bag.results[0].word), (1, "FAIL"));
        assert!(of_bag.results[0].text.contains("do not add up"), "{:?}", of_bag.results);
        assert_eq!(of_all.results[1].text, "主號艙單未在帳上");
        let svg = of_bag.picture.unwrap();
        assert!(svg.contains(">Expected</text>") && svg.contains(">Released</text>"), "{svg}");
        let widths: Vec<u64> = svg
            .split("<rect class=\"bar")
            .skip(1)
            .filter_map(|bar| bar.split("width=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(widths, [472 * 3 / 5, 472], "what stands is longer than what is expected");
    }

    #[test]
    fn pieces_that_add_up_pass_with_both_sides_of_the_sum() {
        let sums =
            Conservation { manifest: 30, amended: -2, held: 7, on_hand: 21, ..Conservation::default() };

        let section = pieces(&seal(Lang::Zh), &sums, |_| true);

        assert_eq!((section.results[0].word, &*section.results[0].text), ("PASS", "件數相符: 28 = 28"));
        assert_eq!(section.picture.unwrap().matches("<rect class=\"bar").count(), 3, "only what there is");
    }
}
