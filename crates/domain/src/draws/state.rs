//! What is known of a draw after some events. Invariant: who may commit, how many are drawn and
//! every time limit were fixed when it was opened; rules that change later do not touch it.
//! Limits: 8 committers, 256 names drawn.

use lian_core::{
    hash::Digest,
    json::{Fields, SchemaError, Value},
    statement::is_actor,
};

use super::{
    DRAWN_MAX, Epoch, HOUSE,
    event::{Closing, streams},
    organisation,
    period::Period,
    pick,
    rules::opener,
};

/// One party and what it gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committer {
    /// Actor.
    pub actor: Box<str>,
    /// What it committed to.
    pub commitment: Option<Digest>,
    /// What it revealed.
    pub random: Option<Digest>,
}

/// How a draw ended.
pub type Outcome = Closing;

/// A draw that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Name of its scheme.
    pub scheme: Box<str>,
    /// Its period.
    pub period: Period,
    /// Epoch from whose states the population was computed.
    pub epoch: u64,
    /// Root of the population.
    pub population: Digest,
    /// Members of it.
    pub members: u64,
    /// Members to draw, before any doubling.
    pub count: u32,
    /// Streams of all members begin so.
    pub prefix: Box<str>,
    /// Capacity of who opens and closes.
    pub opener: &'static str,
    /// Organisations that must have committed.
    pub organisations: usize,
    /// Who may commit, ascending.
    pub committers: Vec<Committer>,
    /// When it was opened, Unix milliseconds.
    pub opened_at: u64,
    /// True if it was opened later than it should.
    pub late: bool,
    /// Until when all may commit, Unix milliseconds.
    pub commit_until: u64,
    /// Seconds to reveal in.
    pub reveal_seconds: u32,
    /// The moment S after which nobody commits any more: `commit_until`, or the later moment at which
    /// enough organisations had committed. The seal epoch is the first that is closed after S.
    pub sealed_at: Option<u64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// What should have happened to a draw and has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overdue {
    /// Too few organisations have committed; since when.
    Commitments(u64),
    /// A party withholds what it committed to; since when.
    Reveal(Box<str>, u64),
    /// All is there to close it; since when.
    Close(u64),
}

impl State {
    /// The stream of the draw.
    pub fn stream(&self) -> String {
        format!("draw/{}/{}", self.scheme, self.period)
    }

    /// True if everybody may know how many members there are. Of registrations nobody may: beside the
    /// public counts of the register the number would give small ones away.
    pub fn counts_are_public(&self) -> bool {
        &*self.prefix != "ethics/"
    }

    /// True if a commitment recorded now still counts.
    pub fn may_commit(&self, now: u64) -> bool {
        self.sealed_at.is_none() || now <= self.commit_until
    }

    /// The party, if it is one of the draw's.
    pub fn committer(&self, actor: &str) -> Option<&Committer> {
        self.committers.iter().find(|committer| *committer.actor == *actor)
    }

    /// Parties that committed and have not revealed.
    pub fn withheld(&self) -> impl Iterator<Item = &str> {
        let withheld = |party: &&Committer| party.commitment.is_some() && party.random.is_none();
        self.committers.iter().filter(withheld).map(|party| &*party.actor)
    }

    /// True once a party outside the house has revealed: without one, the operator alone would know
    /// the seed before it lets the epoch close.
    pub fn has_outside_reveal(&self) -> bool {
        self.committers.iter().any(|party| party.random.is_some() && organisation(&party.actor) != HOUSE)
    }

    /// The last moment to reveal; `None` while the seal epoch is not cosigned.
    pub fn reveal_until(&self, seal: &Epoch) -> Option<u64> {
        seal.cosigned_at.map(|at| at.saturating_add(u64::from(self.reveal_seconds) * 1_000))
    }

    /// How many are drawn: doubled for each party that withholds, as far as there are members.
    pub fn count_drawn(&self) -> usize {
        let doublings = u32::try_from(self.withheld().count()).unwrap_or(u32::MAX);
        let count = u64::from(self.count).checked_shl(doublings).unwrap_or(u64::MAX);
        usize::try_from(count.min(self.members)).unwrap_or(usize::MAX).min(DRAWN_MAX)
    }

    /// The seed that the reveals so far give with the root of the seal epoch.
    pub fn seed(&self, epoch: u64, root: &Digest) -> Digest {
        let reveals =
            self.committers.iter().filter_map(|party| Some((&*party.actor, party.random.as_ref()?)));
        pick::seed(&self.stream(), epoch, root, reveals)
    }

    /// What the calendar shows of a draw at a moment. `seal` is the seal epoch, if it is closed.
    pub fn overdue(&self, now: u64, seal: Option<&Epoch>) -> Vec<Overdue> {
        if self.outcome.is_some() {
            return Vec::new();
        }
        let mut found = Vec::new();
        if self.sealed_at.is_none() && now > self.commit_until {
            found.push(Overdue::Commitments(self.commit_until));
        }
        if let Some(until) = seal.and_then(|seal| self.reveal_until(seal)).filter(|until| now > *until) {
            found.extend(self.withheld().map(|party| Overdue::Reveal(party.into(), until)));
            if self.has_outside_reveal() {
                found.push(Overdue::Close(until));
            }
        }
        found
    }
}

/// JSON: the members that the state digest is made of.
impl State {
    /// The state as canonical JSON members.
    pub fn to_value(&self) -> Value<'static> {
        let outcome = self.outcome.as_ref().map_or(Value::Null, |outcome| {
            let drawn = outcome.drawn.iter().map(|stream| owned(stream));
            Value::object([
                ("drawn", Value::List(drawn.collect())),
                ("epoch", Value::number(outcome.epoch)),
                ("seed", Value::text(outcome.seed.to_hex())),
            ])
        });
        let digest =
            |digest: Option<Digest>| digest.map_or(Value::Null, |digest| Value::text(digest.to_hex()));
        let committers = self.committers.iter().map(|party| {
            Value::object([
                ("actor", owned(&party.actor)),
                ("commitment", digest(party.commitment)),
                ("random", digest(party.random)),
            ])
        });
        Value::object([
            ("commit_until", Value::number(self.commit_until)),
            ("committers", Value::List(committers.collect())),
            ("count", Value::number(u64::from(self.count))),
            ("epoch", Value::number(self.epoch)),
            ("late", Value::Bool(self.late)),
            ("members", Value::number(self.members)),
            ("opened_at", Value::number(self.opened_at)),
            ("opener", Value::text(self.opener)),
            ("organisations", Value::number(self.organisations as u64)),
            ("outcome", outcome),
            ("period", Value::text(self.period.to_string())),
            ("population", Value::text(self.population.to_hex())),
            ("prefix", owned(&self.prefix)),
            ("reveal_seconds", Value::number(u64::from(self.reveal_seconds))),
            ("scheme", owned(&self.scheme)),
            ("sealed_at", self.sealed_at.map_or(Value::Null, Value::number)),
        ])
    }

    /// The inverse of [`State::to_value`].
    pub fn from_value(value: &Value<'_>) -> Result<Self, SchemaError> {
        let mut fields = Fields::open(value)?;
        let count = |fields: &mut Fields<'_, '_>, name: &str| {
            u32::try_from(fields.number(name)?).map_err(|_| SchemaError::new(name, "must be a u32"))
        };
        let state = Self {
            scheme: fields.text("scheme")?.into(),
            period: read(&mut fields, "period", Period::parse)?,
            epoch: fields.number("epoch")?,
            population: fields.digest("population")?,
            members: fields.number("members")?,
            count: count(&mut fields, "count")?,
            prefix: fields.text("prefix")?.into(),
            opener: read(&mut fields, "opener", opener)?,
            organisations: count(&mut fields, "organisations")? as usize,
            committers: fields.list("committers")?.iter().map(read_committer).collect::<Result<_, _>>()?,
            opened_at: fields.number("opened_at")?,
            late: fields.truth("late")?,
            commit_until: fields.number("commit_until")?,
            reveal_seconds: count(&mut fields, "reveal_seconds")?,
            sealed_at: match fields.required("sealed_at")? {
                Value::Null => None,
                _ => Some(fields.number("sealed_at")?),
            },
            outcome: match fields.required("outcome")? {
                Value::Null => None,
                value => Some(read_outcome(value).map_err(|error| error.inside("outcome"))?),
            },
        };
        fields.close()?;
        if state.to_value() == *value {
            Ok(state)
        } else {
            Err(SchemaError::new("", "must be spelled as a state spells it"))
        }
    }
}

fn owned(text: &str) -> Value<'static> {
    Value::text(text.to_owned())
}

fn read_committer(value: &Value<'_>) -> Result<Committer, SchemaError> {
    let mut fields = Fields::open(value)?;
    let mut digest = |name: &str| match fields.required(name)? {
        Value::Null => Ok(None),
        _ => fields.digest(name).map(Some),
    };
    let (commitment, random) = (digest("commitment")?, digest("random")?);
    let actor = read(&mut fields, "actor", |text| is_actor(text).then(|| text.into()))?;
    fields.close()?;
    Ok(Committer { actor, commitment, random })
}

fn read_outcome(value: &Value<'_>) -> Result<Outcome, SchemaError> {
    let mut fields = Fields::open(value)?;
    let outcome = Outcome {
        epoch: fields.number("epoch")?,
        seed: fields.digest("seed")?,
        drawn: streams(fields.list("drawn")?)?,
    };
    fields.close()?;
    Ok(outcome)
}

fn read<T>(
    fields: &mut Fields<'_, '_>,
    name: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, SchemaError> {
    parse(fields.text(name)?).ok_or_else(|| SchemaError::new(name, "is not spelled as a state spells it"))
}
