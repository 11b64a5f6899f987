//! What can happen to a draw, typed. Invariant: an `Event` exists only for data of the one spelling
//! on a stream `draw/<scheme>/<period>` that its data name.

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
    statement::{is_actor, is_stream},
};

use super::{
    DRAWN_MAX,
    period::Period,
    rules::{COUNT_MAX, actors, is_scheme_name},
};

/// What `draw.opened` fixes for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Name of the scheme.
    pub scheme: Box<str>,
    /// Period.
    pub period: Period,
    /// Epoch from whose states the population was computed.
    pub epoch: u64,
    /// Root of the population.
    pub population: Digest,
    /// Members of it.
    pub members: u64,
    /// Members to draw.
    pub count: u32,
    /// Who may commit; named here too, so that they may read it.
    pub committers: Vec<Box<str>>,
}

/// What `draw.closed` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The seal epoch.
    pub epoch: u64,
    /// Seed.
    pub seed: Digest,
    /// Streams drawn, in the order drawn.
    pub drawn: Vec<Box<str>>,
}

/// One fact in the stream of a draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `draw.opened`
    Opened(Box<Opening>),
    /// `draw.committed`
    Committed {
        /// Who commits; signs itself.
        party: Box<str>,
        /// Hash over 32 random bytes.
        commitment: Digest,
    },
    /// `draw.revealed`
    Revealed {
        /// Who reveals; signs itself.
        party: Box<str>,
        /// The 32 random bytes.
        random: Digest,
        /// The seal epoch, seen cosigned by the party.
        epoch: u64,
    },
    /// `draw.closed`
    Closed(Box<Closing>),
}

/// Reads the data of a kind; `None` if the kind is not of this family.
pub fn parse(kind: &str, stream: &str, data: &Value<'_>) -> Option<Result<Event, SchemaError>> {
    let read: fn(&mut Fields<'_, '_>, &str, Period) -> Result<Event, SchemaError> = match kind {
        "draw.opened" => opened,
        "draw.committed" => committed,
        "draw.revealed" => revealed,
        "draw.closed" => closed,
        _ => return None,
    };
    Some(name(stream).and_then(|(scheme, period)| {
        let mut fields = Fields::open(data)?;
        let event = read(&mut fields, scheme, period)?;
        fields.close().map(|()| event)
    }))
}

fn name(stream: &str) -> Result<(&str, Period), SchemaError> {
    let parts = stream.strip_prefix("draw/").and_then(|rest| rest.split_once('/'));
    let named = parts.and_then(|(scheme, period)| Some((scheme, Period::parse(period)?)));
    named
        .filter(|(scheme, _)| is_scheme_name(scheme))
        .ok_or_else(|| SchemaError::new("", "belongs on a stream draw/<scheme>/<period>"))
}

fn opened(fields: &mut Fields<'_, '_>, scheme: &str, period: Period) -> Result<Event, SchemaError> {
    if fields.text("scheme")? != scheme {
        return Err(SchemaError::new("scheme", "must be the one in the stream"));
    }
    if fields.text("period")? != period.to_string() {
        return Err(SchemaError::new("period", "must be the one in the stream"));
    }
    let count = u32::try_from(fields.number("count")?).ok().filter(|count| *count <= COUNT_MAX);
    Ok(Event::Opened(Box::new(Opening {
        scheme: scheme.into(),
        period,
        epoch: fields.number("epoch")?,
        population: fields.digest("population")?,
        members: fields.number("members")?,
        count: count.ok_or_else(|| SchemaError::new("count", "must be an integer, 0 to 128"))?,
        committers: actors(fields.list("committers")?)?,
    })))
}

fn committed(fields: &mut Fields<'_, '_>, _: &str, _: Period) -> Result<Event, SchemaError> {
    Ok(Event::Committed { party: party(fields)?, commitment: fields.digest("commitment")? })
}

fn revealed(fields: &mut Fields<'_, '_>, _: &str, _: Period) -> Result<Event, SchemaError> {
    let (party, random) = (party(fields)?, fields.digest("random")?);
    Ok(Event::Revealed { party, random, epoch: fields.number("epoch")? })
}

fn closed(fields: &mut Fields<'_, '_>, _: &str, _: Period) -> Result<Event, SchemaError> {
    Ok(Event::Closed(Box::new(Closing {
        epoch: fields.number("epoch")?,
        seed: fields.digest("seed")?,
        drawn: streams(fields.list("drawn")?)?,
    })))
}

fn party(fields: &mut Fields<'_, '_>) -> Result<Box<str>, SchemaError> {
    let party = fields.text("party")?;
    if is_actor(party) { Ok(party.into()) } else { Err(SchemaError::new("party", "must be an actor")) }
}

/// At most 256 streams, in any order.
pub(super) fn streams(items: &[Value<'_>]) -> Result<Vec<Box<str>>, SchemaError> {
    let fault = || SchemaError::new("drawn", "must list at most 256 streams");
    let stream = |item: &Value<'_>| item.as_text().filter(|text| is_stream(text)).map(Box::from);
    let streams: Vec<Box<str>> = items.iter().map(stream).collect::<Option<_>>().ok_or_else(fault)?;
    if streams.len() <= DRAWN_MAX { Ok(streams) } else { Err(fault()) }
}
