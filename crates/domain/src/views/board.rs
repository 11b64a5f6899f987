//! The two public boards of the warehouses (兩平臺): what was laid on the inspection lines, and what
//! cannot clear and why.
//! Invariant: a board holds what its columns name and nothing else: no officer, consignee, advice or
//! hold. A note may hold a person's data, so its column is there and empty.
//! Limits: 1,000 rows, the newest; for the lines, the newest 200,000 bags (of the day, if one is asked
//! for) looked at.

use std::cmp::Reverse;

use lian_core::{json::Value, time::format_moment};

use super::{LOOKED_AT_MAX, View, date, or_null, owned, past::PastFault, streams::Streams};
use crate::{
    clearance::{Cargo, Hawb, Line, Mark, Mawb, Moment, OpenException, Warehouse, Word},
    dates::Day,
    families,
    ids::Ubn,
    ledger::Stream,
};

/// Rows of one board.
pub const ROWS_MAX: usize = 1_000;

/// A column: the member of a row, and what stands above it.
pub type Column = (&'static str, &'static str);

/// What stands above the time up to which the board holds.
pub const UPDATED: Column = ("updated_at", "資料更新時間");

/// The columns of the clearance board, in their order.
pub const CLEARANCE: [Column; 5] =
    [("line", "分流"), ("mawb", "主號"), ("hawb", "袋號"), ("broker", "業者"), ("cleared_at", "通關時間")];

/// The columns of the exception board, in their order.
pub const EXCEPTIONS: [Column; 10] = [
    ("exception", "異常類別"),
    ("inspected_on", "查驗日期"),
    ("declared_on", "申報日期"),
    ("mawb", "主號"),
    ("hawb", "袋號/分號"),
    ("pieces", "件數"),
    ("status", "狀態"),
    ("broker_box", "箱號"),
    ("storage", "存放位置"),
    ("note", "註記"),
];

/// Which rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoardQuery {
    /// Of bags that are in this warehouse.
    pub warehouse: Option<Warehouse>,
    /// Declared by this broker.
    pub broker: Option<Ubn>,
    /// Of this day: laid on a line, or reported.
    pub day: Option<Day>,
}

impl BoardQuery {
    fn admits(&self, cargo: &Cargo, day: Day) -> bool {
        let warehouse = cargo.stored.as_ref().map(|stored| stored.warehouse);
        let broker = cargo.declared.as_ref().map(|declared| declared.broker);
        (self.warehouse.is_none() || self.warehouse == warehouse)
            && (self.broker.is_none() || self.broker == broker)
            && self.day.is_none_or(|wanted| wanted == day)
    }
}

/// A bag that was laid on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardRow {
    /// 分流, the line.
    pub line: Line,
    /// 主號.
    pub mawb: Mawb,
    /// 袋號.
    pub hawb: Hawb,
    /// 業者, the broker.
    pub broker: Option<Ubn>,
    /// 通關時間: when it was laid there.
    pub cleared_at: Moment,
}

/// The clearance board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// When the last entry was recorded that counts, Unix milliseconds.
    pub updated_at: u64,
    /// The newest first.
    pub rows: Vec<BoardRow>,
    /// False if there are more rows, or more bags than are looked at.
    pub complete: bool,
}

/// A bag that cannot clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionRow {
    /// 異常類別.
    pub exception: Word,
    /// 查驗日期: when it was reported.
    pub inspected_on: Day,
    /// 申報日期.
    pub declared_on: Option<Day>,
    /// 主號.
    pub mawb: Mawb,
    /// 袋號/分號.
    pub hawb: Hawb,
    /// 件數.
    pub pieces: u64,
    /// 狀態: the broker answered.
    pub answered: bool,
    /// 箱號.
    pub broker_box: Option<Mark>,
    /// 存放位置.
    pub storage: Mark,
}

/// The exception board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionBoard {
    /// When the last entry was recorded that counts, Unix milliseconds.
    pub updated_at: u64,
    /// The newest first.
    pub rows: Vec<ExceptionRow>,
    /// False if there are more rows.
    pub complete: bool,
}

/// The bag of a stream, with its numbers.
pub(super) fn bag(stream: &Stream) -> Option<(Mawb, Hawb, &Cargo)> {
    let (mawb, hawb) = stream.name.strip_prefix("cargo/")?.split_once('/')?;
    let cargo = stream.family().and_then(families::State::clearance)?.cargo()?;
    Some((Mawb::parse(mawb)?, Hawb::parse(hawb)?, cargo))
}

/// 通關資訊揭露: the bags that were laid on the lines.
pub fn clearance(streams: &dyn Streams, query: &BoardQuery) -> Result<Board, PastFault> {
    let (mut rows, mut looked_at, mut complete) = (Vec::new(), 0, true);
    streams.laid(query.day.map(Moment::last_of), &mut |stream| {
        let Some((mawb, hawb, cargo)) = bag(stream) else { return true };
        let Some(laid) = &cargo.presented else { return true };
        if query.day.is_some_and(|day| laid.at.day() < day) {
            return false;
        }
        looked_at += 1;
        let admitted = query.admits(cargo, laid.at.day());
        if looked_at > LOOKED_AT_MAX || (admitted && rows.len() == ROWS_MAX) {
            complete = false;
        } else if admitted {
            let broker = cargo.declared.as_ref().map(|declared| declared.broker);
            rows.push(BoardRow { line: laid.line, mawb, hawb, broker, cleared_at: laid.at });
        }
        complete
    })?;
    Ok(Board { updated_at: streams.recorded_at(), rows, complete })
}

/// 通關異常處理揭露: the exceptions that are open.
pub fn exceptions(streams: &dyn Streams, query: &BoardQuery) -> Result<ExceptionBoard, PastFault> {
    let mut rows = Vec::new();
    streams.open("cargo/", &mut |stream| {
        let Some((mawb, hawb, cargo)) = bag(stream) else { return };
        let declared_on = cargo.declared.as_ref().map(|declared| declared.on);
        let row = |open: &OpenException| ExceptionRow {
            exception: open.exception,
            inspected_on: open.on,
            declared_on,
            mawb,
            hawb,
            pieces: open.pieces,
            answered: open.answered,
            broker_box: open.broker_box,
            storage: open.storage,
        };
        rows.extend(cargo.exceptions.iter().filter(|open| query.admits(cargo, open.on)).map(row));
    })?;
    rows.sort_by_key(|row: &ExceptionRow| Reverse(row.inspected_on));
    let complete = rows.len() <= ROWS_MAX;
    rows.truncate(ROWS_MAX);
    Ok(ExceptionBoard { updated_at: streams.recorded_at(), rows, complete })
}

impl BoardRow {
    /// The row as a JSON object with the members that [`CLEARANCE`] names.
    pub fn to_value(&self) -> Value<'static> {
        Value::object([
            ("broker", or_null(self.broker, owned)),
            ("cleared_at", owned(format_moment(self.cleared_at.0))),
            ("hawb", owned(self.hawb)),
            ("line", owned(self.line)),
            ("mawb", owned(self.mawb)),
        ])
    }
}

impl ExceptionRow {
    /// How far it is.
    pub const fn status(&self) -> &'static str {
        if self.answered { "answered" } else { "open" }
    }

    /// The row as a JSON object with the members that [`EXCEPTIONS`] names.
    pub fn to_value(&self) -> Value<'static> {
        Value::object([
            ("broker_box", or_null(self.broker_box, owned)),
            ("declared_on", or_null(self.declared_on, date)),
            ("exception", owned(self.exception)),
            ("hawb", owned(self.hawb)),
            ("inspected_on", date(self.inspected_on)),
            ("mawb", owned(self.mawb)),
            ("note", Value::Null),
            ("pieces", Value::number(self.pieces)),
            ("status", Value::text(self.status())),
            ("storage", owned(self.storage)),
        ])
    }
}

fn board_value(
    columns: &[Column],
    updated_at: u64,
    rows: Vec<Value<'static>>,
    complete: bool,
) -> Value<'static> {
    let column = |(name, title): &Column| {
        Value::object([("name", Value::text(*name)), ("title", Value::text(*title))])
    };
    let updated_at = format_moment(i64::try_from(updated_at / 1_000).unwrap_or(i64::MAX));
    Value::object([
        ("columns", Value::List(columns.iter().map(column).collect())),
        ("complete", Value::Bool(complete)),
        ("rows", Value::List(rows)),
        (UPDATED.0, owned(updated_at)),
    ])
}

impl View for Board {
    const NAME: &'static str = "disclosure/board";

    fn to_value(&self) -> Value<'static> {
        let rows = self.rows.iter().map(BoardRow::to_value).collect();
        board_value(&CLEARANCE, self.updated_at, rows, self.complete)
    }
}

impl View for ExceptionBoard {
    const NAME: &'static str = "disclosure/exceptions";

    fn to_value(&self) -> Value<'static> {
        let rows = self.rows.iter().map(ExceptionRow::to_value).collect();
        board_value(&EXCEPTIONS, self.updated_at, rows, self.complete)
    }
}
