//! What can happen to a guarantee, typed. Invariant: an `Event` exists only for data of the one
//! spelling; every amount in it is 1 to 999,999,999,999 and every date lies in 1912 to 2910.
//! No free text, no natural person's name: reasons are short codes.

use lian_core::{
    hash::{Digest, sha256},
    json::{Fields, SchemaError, Value},
};

use crate::{
    dates::Day,
    ids::{BankCode, BranchCode, DeclarationNo, GuaranteeNo, HouseCode, Ubn},
    money::{TaxSet, TaxType, Twd},
    rules::read_tax_types,
};

/// Draws that one claim may name.
pub const CLAIM_DRAWS_MAX: usize = 32;
/// Reasons that one refusal of a claim may give.
pub const REASONS_MAX: usize = 8;
/// Characters of a reason code.
const CODE_MAX: usize = 32;

/// Whose imports a guarantee secures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The debtor's own.
    Importer,
    /// Those of the importers that the debtor, a broker, represents.
    Broker,
}

/// Whether the bank may raise the debtor's defences against a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// Payable on demand.
    Independent,
    /// A surety for the debt.
    Accessory,
}

/// Where a guarantee may be drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// 通區: every customs house.
    All,
    /// 限區: one customs house, by its letter.
    Office(char),
    /// 限區: one receiving house of it.
    House(HouseCode),
}

impl Scope {
    /// `all`, a letter `A` to `Z`, or a house such as `CA`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut letters = text.chars();
        match (text, letters.next(), letters.next()) {
            ("all", _, _) => Some(Self::All),
            (_, Some(letter @ 'A'..='Z'), None) => Some(Self::Office(letter)),
            _ => HouseCode::parse(text).map(Self::House),
        }
    }

    /// The spelling that [`Scope::parse`] reads.
    pub fn spelling(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Office(letter) => letter.to_string(),
            Self::House(house) => house.to_string(),
        }
    }

    /// True if the guarantee may be drawn on there.
    pub fn covers(self, house: HouseCode) -> bool {
        match self {
            Self::All => true,
            Self::Office(letter) => house.office() == letter,
            Self::House(only) => house == only,
        }
    }
}

/// A reason: 1 to 32 of `a-z 0-9 _`, never free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    bytes: [u8; CODE_MAX],
    length: u8,
}

impl Code {
    /// Reads the one spelling; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let admitted = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if text.is_empty() || text.len() > CODE_MAX || !text.bytes().all(admitted) {
            return None;
        }
        let mut bytes = [0; CODE_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The spelling.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("checked to be ASCII")
    }
}

/// What the bank promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Number, the tail of the stream.
    pub no: GuaranteeNo,
    /// Bank.
    pub bank: BankCode,
    /// Its branch.
    pub branch: BranchCode,
    /// Whose debts are secured.
    pub debtor: Ubn,
    /// Whose imports are secured.
    pub purpose: Purpose,
    /// Where it may be drawn on.
    pub scope: Scope,
    /// How much at a time.
    pub limit: Twd,
    /// First day of validity.
    pub from: Day,
    /// Last day of validity.
    pub to: Day,
    /// Independent or accessory.
    pub nature: Nature,
    /// What it secures.
    pub tax_types: TaxSet,
    /// Hash of the canonical data of the request.
    pub terms: Digest,
}

/// What bank and customs change together; at least one of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendment {
    /// New limit.
    pub limit: Option<Twd>,
    /// New last day of validity.
    pub to: Option<Day>,
}

/// Release before tax: an amount drawn on the quota for one declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// For which declaration.
    pub declaration: DeclarationNo,
    /// Who imports.
    pub importer: Ubn,
    /// Who declares for the importer.
    pub broker: Option<Ubn>,
    /// Receiving house; the first two places of the declaration.
    pub house: HouseCode,
    /// Sum of the taxes.
    pub amount: Twd,
    /// Their types.
    pub types: TaxSet,
    /// When the tax memo was served.
    pub served_on: Day,
    /// Drawn by an officer's hand, not by the release system.
    pub manual: bool,
}

/// Names a draw: by declaration, which has one open draw at most, and by number where the writer
/// means to exclude another draw of the same declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawRef {
    /// Declaration.
    pub declaration: DeclarationNo,
    /// Number of the draw on this guarantee, from 1.
    pub number: Option<u64>,
}

/// One draw of a claim and how much of it is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// Which draw.
    pub draw: DrawRef,
    /// How much.
    pub amount: Twd,
}

/// One fact in the stream of a guarantee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Request 開立.
    Requested(Request),
    /// Accept 核准, of the terms with this hash.
    Accepted(Digest),
    /// Customs does not accept.
    Rejected(Code),
    /// Suspend 廢止.
    Suspended(Option<Code>),
    /// Limit or validity change.
    Amended(Amendment),
    /// Quota is drawn on.
    Drawn(Draw),
    /// A later assessment, up or down; also settles a deposit. A fact.
    Assessed(DrawRef, i64),
    /// The taxpayer paid. A fact.
    TaxPaid(DrawRef, Twd),
    /// A late-payment surcharge fell due, for so many days. A fact.
    SurchargeAccrued(DrawRef, Twd, u64),
    /// The declaration was withdrawn or refunded.
    DrawCancelled(DrawRef, Code),
    /// Call on the bank, with the statement of default.
    Claimed(Vec<Demand>, Code),
    /// The bank paid the claim of this number.
    ClaimPaid(u64, Twd),
    /// The bank refuses the claim.
    ClaimRefused(u64, Vec<Code>),
    /// Customs withdraws the claim.
    ClaimWithdrawn(u64, Code),
    /// Close 解除擔保.
    Closed,
}

impl Event {
    /// Reads the data of one event strictly; anything unknown, missing or out of range is an error.
    pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Result<Self, SchemaError> {
        let no = GuaranteeNo::of_stream(stream)
            .ok_or_else(|| SchemaError::new("", "the stream must be guarantee/<number>"))?;
        let mut fields = Fields::open(data)?;
        let event = match kind.strip_prefix("guarantee.").unwrap_or_default() {
            "requested" => Self::Requested(request(&mut fields, no, data)?),
            "accepted" => Self::Accepted(fields.digest("terms")?),
            "rejected" => Self::Rejected(code(&mut fields, "reason")?),
            "suspended" => Self::Suspended(optional_code(&mut fields, "reason")?),
            "amended" => Self::Amended(amendment(&mut fields)?),
            "drawn" => Self::Drawn(draw(&mut fields)?),
            "assessed" => Self::Assessed(draw_ref(&mut fields)?, change(&mut fields)?),
            "tax_paid" => Self::TaxPaid(draw_ref(&mut fields)?, amount(&mut fields, "amount")?),
            "surcharge_accrued" => Self::SurchargeAccrued(
                draw_ref(&mut fields)?,
                amount(&mut fields, "amount")?,
                ordinal(&mut fields, "days")?,
            ),
            "draw_cancelled" => Self::DrawCancelled(draw_ref(&mut fields)?, code(&mut fields, "reason")?),
            "claimed" => Self::Claimed(demands(&mut fields)?, code(&mut fields, "default")?),
            "claim_paid" => Self::ClaimPaid(ordinal(&mut fields, "claim")?, amount(&mut fields, "amount")?),
            "claim_refused" => Self::ClaimRefused(ordinal(&mut fields, "claim")?, reasons(&mut fields)?),
            "claim_withdrawn" => {
                Self::ClaimWithdrawn(ordinal(&mut fields, "claim")?, code(&mut fields, "reason")?)
            }
            "closed" => Self::Closed,
            _ => return Err(SchemaError::new("", "is of no kind that a guarantee knows")),
        };
        fields.close()?;
        Ok(event)
    }

    /// True for what is never refused on a known guarantee: it has happened.
    pub const fn is_fact(&self) -> bool {
        matches!(self, Self::Assessed(..) | Self::TaxPaid(..) | Self::SurchargeAccrued(..))
    }
}

/// SHA-256("lian/terms/v1\n" ‖ canonical data of the request).
pub fn terms_hash(request_data: &Value<'_>) -> Digest {
    sha256(&[b"lian/terms/v1\n", &request_data.write()])
}

fn request(fields: &mut Fields, no: GuaranteeNo, data: &Value<'_>) -> Result<Request, SchemaError> {
    if read(fields, "no", GuaranteeNo::parse, "must be 1 to 32 of A-Z a-z 0-9 . -")? != no {
        return Err(SchemaError::new("no", "must be the number in the stream"));
    }
    let tax_types = match fields.optional("tax_types") {
        None => TaxSet::ALL,
        Some(Value::List(items)) => read_tax_types(items, "tax_types")?,
        Some(_) => return Err(SchemaError::new("tax_types", "must be a list")),
    };
    let (from, to) = (day(fields, "from")?, day(fields, "to")?);
    if to < from {
        return Err(SchemaError::new("to", "must not lie before from"));
    }
    Ok(Request {
        no,
        bank: read(fields, "bank", BankCode::parse, "must be 3 digits")?,
        branch: read(fields, "branch", BranchCode::parse, "must be 4 digits")?,
        debtor: read(fields, "debtor", Ubn::parse, "must be a business number of 8 digits")?,
        purpose: match fields.text("purpose")? {
            "importer" => Purpose::Importer,
            "broker" => Purpose::Broker,
            _ => return Err(SchemaError::new("purpose", "must be importer or broker")),
        },
        scope: read(fields, "scope", Scope::parse, "must be all, a letter, or a house such as CA")?,
        limit: amount(fields, "limit")?,
        from,
        to,
        nature: match fields.text("kind")? {
            "independent" => Nature::Independent,
            "accessory" => Nature::Accessory,
            _ => return Err(SchemaError::new("kind", "must be independent or accessory")),
        },
        tax_types,
        terms: terms_hash(data),
    })
}

fn amendment(fields: &mut Fields) -> Result<Amendment, SchemaError> {
    let limit = match fields.optional("limit") {
        None => None,
        Some(_) => Some(amount(fields, "limit")?),
    };
    let to = match fields.optional("to") {
        None => None,
        Some(_) => Some(day(fields, "to")?),
    };
    if limit.is_none() && to.is_none() {
        return Err(SchemaError::new("", "must change limit, to, or both"));
    }
    Ok(Amendment { limit, to })
}

fn draw(fields: &mut Fields) -> Result<Draw, SchemaError> {
    let declaration = declaration(fields)?;
    let house = read(fields, "house", HouseCode::parse, "must be a house such as CA")?;
    if house != declaration.house() {
        return Err(SchemaError::new("house", "must be the first two places of the declaration"));
    }
    let (amount, types) = taxes(fields)?;
    Ok(Draw {
        declaration,
        importer: read(fields, "importer", Ubn::parse, "must be a business number of 8 digits")?,
        broker: match fields.optional("broker") {
            None => None,
            Some(_) => Some(read(fields, "broker", Ubn::parse, "must be a business number of 8 digits")?),
        },
        house,
        amount,
        types,
        served_on: day(fields, "served_on")?,
        manual: fields.truth("manual")?,
    })
}

/// Amounts by tax type; the sum is itself an amount.
fn taxes(fields: &mut Fields) -> Result<(Twd, TaxSet), SchemaError> {
    let Value::Object(members) = fields.required("taxes")? else {
        return Err(SchemaError::new("taxes", "must be an object of amounts by tax type"));
    };
    let mut sum = Twd::ZERO;
    let mut types = TaxSet::NONE;
    for (name, value) in members {
        let tax = TaxType::parse(name)
            .ok_or_else(|| SchemaError::new(name, "is not a known tax type").inside("taxes"))?;
        let dollars = value.as_int().and_then(|number| u64::try_from(number).ok()).and_then(Twd::amount);
        let dollars = dollars.ok_or_else(|| SchemaError::new(name, AMOUNT).inside("taxes"))?;
        sum = sum
            .checked_add(dollars)
            .filter(|&sum| sum <= Twd::AMOUNT_MAX)
            .ok_or_else(|| SchemaError::new("taxes", "must add up to at most 999999999999"))?;
        types = types.with(tax);
    }
    if sum.is_zero() {
        return Err(SchemaError::new("taxes", "must hold at least one tax"));
    }
    Ok((sum, types))
}

fn demands(fields: &mut Fields) -> Result<Vec<Demand>, SchemaError> {
    let items = fields.list("draws")?;
    if items.is_empty() || items.len() > CLAIM_DRAWS_MAX {
        return Err(SchemaError::new("draws", "must name 1 to 32 draws"));
    }
    let mut demands: Vec<Demand> = Vec::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        let demand = demand(item).map_err(|error| error.inside(&position.to_string()).inside("draws"))?;
        if demands.last().is_some_and(|last| last.draw.declaration >= demand.draw.declaration) {
            return Err(SchemaError::new("draws", "must ascend by declaration, each named once"));
        }
        demands.push(demand);
    }
    Ok(demands)
}

fn demand(item: &Value<'_>) -> Result<Demand, SchemaError> {
    let mut fields = Fields::open(item)?;
    let demand = Demand { draw: draw_ref(&mut fields)?, amount: amount(&mut fields, "amount")? };
    fields.close()?;
    Ok(demand)
}

fn reasons(fields: &mut Fields) -> Result<Vec<Code>, SchemaError> {
    let items = fields.list("reasons")?;
    let fault = || SchemaError::new("reasons", "must list 1 to 8 codes of a-z 0-9 _");
    if items.is_empty() || items.len() > REASONS_MAX {
        return Err(fault());
    }
    items.iter().map(|item| item.as_text().and_then(Code::parse).ok_or_else(fault)).collect()
}

fn draw_ref(fields: &mut Fields) -> Result<DrawRef, SchemaError> {
    let number = match fields.optional("draw") {
        None => None,
        Some(_) => Some(ordinal(fields, "draw")?),
    };
    Ok(DrawRef { declaration: declaration(fields)?, number })
}

fn declaration(fields: &mut Fields) -> Result<DeclarationNo, SchemaError> {
    read(fields, "declaration", DeclarationNo::parse, "must be 14 places of A-Z 0-9, blanks written _")
}

/// A change of what is owed, either way; 0 settles a deposit as declared.
fn change(fields: &mut Fields) -> Result<i64, SchemaError> {
    let change = fields.integer("change")?;
    if change.unsigned_abs() > Twd::AMOUNT_MAX.get() {
        return Err(SchemaError::new("change", "must be an integer, -999999999999 to 999999999999"));
    }
    Ok(change)
}

const AMOUNT: &str = "must be an integer, 1 to 999999999999";

fn amount(fields: &mut Fields, name: &str) -> Result<Twd, SchemaError> {
    let dollars = fields.number(name).ok().and_then(Twd::amount);
    match (dollars, fields.optional(name)) {
        (Some(dollars), _) => Ok(dollars),
        (None, Some(_)) => Err(SchemaError::new(name, AMOUNT)),
        (None, None) => Err(SchemaError::new(name, "is missing")),
    }
}

/// A count from 1.
fn ordinal(fields: &mut Fields, name: &str) -> Result<u64, SchemaError> {
    match fields.number(name)? {
        0 => Err(SchemaError::new(name, "must be an integer, 1 or more")),
        number => Ok(number),
    }
}

fn day(fields: &mut Fields, name: &str) -> Result<Day, SchemaError> {
    read(fields, name, Day::parse, "must be a date YYYY-MM-DD, 1912-01-01 to 2910-12-31")
}

fn code(fields: &mut Fields, name: &str) -> Result<Code, SchemaError> {
    read(fields, name, Code::parse, "must be a code, 1 to 32 of a-z 0-9 _")
}

fn optional_code(fields: &mut Fields, name: &str) -> Result<Option<Code>, SchemaError> {
    match fields.optional(name) {
        None => Ok(None),
        Some(_) => code(fields, name).map(Some),
    }
}

fn read<T>(
    fields: &mut Fields,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
    what: &'static str,
) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, what))
}
