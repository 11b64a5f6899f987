//! May this statement be logged here? Everything that is judged before the business rules, in the
//! order of DESIGN §10.3, the sides that its own events change, and the quota of refusals after them.
//! Invariant: nothing here changes a state.

use lian_core::{audit::Place, hash::Digest, time::taipei_day};
use smallvec::SmallVec;

use super::{Ledger, STREAMS_USUAL, Slots, Stream};
use crate::{
    context::Signer,
    families,
    filing::{Fact, FiledEvent, Filing},
    guarantee,
    registry::{self, Event as RegistryEvent, SYSTEM_LOG},
    rejection::Rejection,
};

impl Ledger {
    pub(super) fn judge_opening(filing: &Filing) -> Result<(), Rejection> {
        let [FiledEvent { fact: Fact::Registry(RegistryEvent::Opened(opening)), expect: 0, .. }] =
            &filing.events[..]
        else {
            return Err(Rejection::Genesis);
        };
        let named =
            |text: &str| Rejection::WrongLedger { named: text.to_owned(), own: opening.name.to_string() };
        if *filing.ledger != *opening.name {
            return Err(named(&filing.ledger));
        }
        let mut expected: Vec<(String, &str, Digest)> = Vec::new();
        for (organisation, key) in &opening.roots {
            expected.push((format!("root:{organisation}"), "root", key.id()));
        }
        expected.push((SYSTEM_LOG.to_owned(), "possession", opening.system_log.id()));
        expected.push((registry::SYSTEM_ADMISSION.to_owned(), "possession", opening.system_admission.id()));
        let same =
            |(issuer, (actor, capacity, key)): (&crate::filing::FiledIssuer, &(String, &str, Digest))| {
                *issuer.actor == **actor && issuer.capacity == *capacity && issuer.key == *key
            };
        let all = filing.issuers.len() == expected.len() && filing.issuers.iter().zip(&expected).all(same);
        if !all || !filing.requires.is_empty() || filing.seen.is_some() {
            return Err(Rejection::Genesis);
        }
        let mut keys: Vec<Digest> = expected.iter().map(|(.., key)| *key).collect();
        keys.push(opening.log_key.id());
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Rejection::SignerTwice("a key".to_owned()));
        }
        Ok(())
    }

    pub(super) fn judge_window(&self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        if *filing.ledger != *self.id {
            return Err(Rejection::WrongLedger { named: filing.ledger.to_string(), own: self.id.clone() });
        }
        let now_ms = i64::try_from(recorded_at).unwrap_or(i64::MAX);
        let skew_s = i64::from(self.rules.clock_skew_seconds);
        let ahead_ms = filing.issued_at.saturating_mul(1_000).saturating_sub(now_ms);
        if ahead_ms > skew_s * 1_000 {
            return Err(Rejection::IssuedAhead { ahead_s: ahead_ms / 1_000, allowed_s: skew_s });
        }
        let allowed_days = i64::from(self.rules.statement_days_max);
        let claimed_s = filing.valid_until.saturating_sub(filing.issued_at);
        if claimed_s < 0 || claimed_s > allowed_days * 86_400 {
            return Err(Rejection::ValidTooLong { claimed_s, allowed_days });
        }
        let over_ms = now_ms.saturating_sub(filing.valid_until.saturating_mul(1_000));
        if over_ms > 0 {
            return Err(Rejection::Expired(over_ms / 1_000));
        }
        Ok(())
    }

    pub(super) fn judge_seen(&self, filing: &Filing) -> Result<(), Rejection> {
        let Some((number, seen)) = filing.seen else {
            let kind = filing.events.iter().find(|event| self.rules.needs_seen(event.kind));
            return kind.map_or(Ok(()), |event| Err(Rejection::SeenMissing(event.kind.to_owned())));
        };
        let own = self.epochs.get(number).map(|epoch| epoch.root);
        if own == Some(seen) {
            return Ok(());
        }
        let own = own.map_or_else(|| "no such epoch".to_owned(), |root| root.to_hex());
        Err(Rejection::SeenContradicted { epoch: number, seen: seen.to_hex(), own })
    }

    pub(super) fn judge_sides(
        &self,
        filing: &Filing,
        slots: &Slots,
        signers: &[Signer<'_>],
    ) -> Result<(), Rejection> {
        let mut bank = None;
        for event in &filing.events {
            let stream = slots[event.stream].map(|at| &self.streams[at]);
            judge_side(filing, event, stream, signers)?;
            let Fact::Guarantee(fact) = &event.fact else {
                continue;
            };
            match (bank, guarantee::bank_of(stream.and_then(Stream::guarantee), fact)) {
                (Some(one), Some(other)) if one != other => {
                    return Err(Rejection::SeveralBanks(format!("{one}"), format!("{other}")));
                }
                (None, found) => bank = found,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn judge_versions(&self, filing: &Filing, slots: &Slots) -> Result<(), Rejection> {
        let version = |stream: Option<&Stream>| stream.map_or(0, |found| found.version);
        let at = |slot: &Option<usize>| slot.map(|at| &self.streams[at]);
        let mut next: SmallVec<[u64; STREAMS_USUAL]> = slots.iter().map(|slot| version(at(slot))).collect();
        for event in &filing.events {
            if event.expect != next[event.stream] {
                return Err(Rejection::StaleVersion {
                    stream: filing.streams[event.stream].to_string(),
                    expected: event.expect,
                    actual: next[event.stream],
                });
            }
            next[event.stream] += 1;
        }
        for (stream, expected) in &filing.requires {
            let actual = version(self.stream(stream));
            if actual != *expected {
                return Err(Rejection::StaleRequires {
                    stream: stream.to_string(),
                    expected: *expected,
                    actual,
                });
            }
        }
        // No stream moved since a refusal of this same statement: then one of them remembers it.
        let again = slots.first().and_then(at).and_then(|stream| {
            stream.refused.iter().find(|(digest, _)| *digest == filing.digest).map(|(_, entry)| *entry)
        });
        again.map_or(Ok(()), |entry| Err(Rejection::AlreadyLogged(entry)))
    }

    /// The log's own facts must be what the log itself gives.
    pub(super) fn judge_derived(&mut self, place: &Place<'_>, filing: &Filing) -> Result<(), Rejection> {
        for (position, event) in filing.events.iter().enumerate() {
            let derived = match &event.fact {
                Fact::Registry(said @ RegistryEvent::EpochClosed { .. }) => {
                    place.batch_first && position == 0 && *said == self.next_epoch(place.tree.root())
                }
                Fact::Registry(RegistryEvent::EpochCosigned { number, size, lines }) => {
                    self.epochs.may_log(*number, *size, lines)
                }
                _ => true,
            };
            if !derived {
                return Err(Rejection::NotDerived(event.kind.to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn judge_quota(&mut self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        let Some(issuer) = filing.issuers.first() else {
            return Ok(());
        };
        if self.refusals_day != taipei_day(recorded_at) {
            self.refusals_day = taipei_day(recorded_at);
            self.refusals.clear();
        }
        let quota = u64::from(self.rules.refusals_per_day);
        let used = self.refusals_of(&issuer.key);
        if used >= quota {
            return Err(Rejection::RefusalQuota { key: issuer.key.to_hex(), quota });
        }
        Ok(())
    }
}

/// May these signers say this of the stream as it is? Asked of every event on the state before the
/// statement, and of an event whose stream an earlier one of the statement moved, again on what that
/// left: nobody makes a side for himself, and nobody speaks for one that he just gave away.
pub(super) fn judge_side(
    filing: &Filing,
    event: &FiledEvent,
    stream: Option<&Stream>,
    signers: &[Signer<'_>],
) -> Result<(), Rejection> {
    let is_right = match &event.fact {
        Fact::Guarantee(fact) => guarantee::owner(stream.and_then(Stream::guarantee), fact, signers),
        Fact::Family(fact) => families::owner(stream.and_then(Stream::family), fact, signers),
        Fact::Registry(_) | Fact::Plain(_) => true,
    };
    if is_right {
        return Ok(());
    }
    Err(Rejection::WrongSide {
        actor: signers.first().map_or("nobody", |signer| signer.actor).to_owned(),
        kind: event.kind.to_owned(),
        stream: filing.streams[event.stream].to_string(),
    })
}
