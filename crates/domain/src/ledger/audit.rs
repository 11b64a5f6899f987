//! The ledger as the audit's judge: the same judgement as the server's, told as problems.

use lian_core::{
    audit::{Check, Conclusion, Judge, Judgement, LeafFacts, Place, Problem, Weight},
    entry::Verdict,
    hash::Digest,
    keys::PublicKey,
    note::VerifierKey,
};

use super::{Ledger, Unlogged};
use crate::{
    filing::{Fact, Filing},
    registry::Event as RegistryEvent,
    rejection::Rejection,
};

impl Judge for Ledger {
    type Filing = Filing;

    fn file(payload: &[u8], digest: Digest) -> Result<Filing, String> {
        Filing::read(payload, digest).map_err(|rejection| rejection.to_string())
    }

    fn batch_begins(&mut self, _first: u64) {}

    fn judge(&mut self, place: &Place<'_>, filing: &Filing, leaf: LeafFacts, leaf_hash: Digest) -> Judgement {
        let mut judgement = Judgement::default();
        let keys: Option<Vec<PublicKey>> =
            filing.issuers.iter().map(|issuer| self.issuer_key(filing, &issuer.key).copied()).collect();
        judgement.keys = keys.unwrap_or_default();
        if filing.issuers.len() != leaf.signatures {
            let what = format!("{} issuers but {} signatures", filing.issuers.len(), leaf.signatures);
            judgement.problems.push(Problem::new(Check::Signatures, "/issuers", what));
        }
        if place.index > 0 && leaf.rules != self.rules.version {
            let what = format!("leaf says rules {}, in force are {}", leaf.rules, self.rules.version);
            judgement.problems.push(Problem::new(Check::Verdicts, "rules", what));
        }
        self.judge_epoch_on_time(place, filing, &mut judgement);
        match Ledger::judge(self, place, filing) {
            Ok(verdict) if verdict == leaf.verdict => {
                self.remark(filing, verdict, &mut judgement);
                judgement.previous = self.record(place, filing, verdict, leaf_hash);
                if verdict.is_accepted() {
                    self.books.post(filing);
                }
            }
            Ok(verdict) => {
                let what = format!("leaf says {}, the rules say {}", spell(leaf.verdict), spell(verdict));
                judgement.problems.push(Problem::new(Check::Verdicts, "verdict", what));
                judgement.lost = true;
            }
            Err(Unlogged::Rejected(rejection)) => {
                let check = check_of(&rejection);
                let what = format!("must not have been logged: {rejection}");
                judgement.problems.push(Problem::new(check, "statement", what));
                judgement.lost = true;
            }
            Err(unknown @ Unlogged::UnknownEngine(_)) => {
                let problem = Problem::new(Check::Verdicts, "rules", unknown.to_string());
                judgement.problems.push(problem.weighing(Weight::Unconfirmed));
                judgement.lost = true;
            }
            Err(fault @ (Unlogged::Contradiction(_) | Unlogged::Rows(_))) => {
                judgement.problems.push(Problem::new(Check::Verdicts, "verdict", fault.to_string()));
                judgement.lost = true;
            }
        }
        self.lost = self.lost || judgement.lost;
        judgement
    }

    fn batch_committed(&mut self, size: u64, root: Digest) {
        self.committed(size, root);
    }

    fn epoch_root(&self, number: u64) -> Option<Digest> {
        self.epochs.get(number).map(|epoch| epoch.root)
    }

    fn log_key(&self) -> Option<VerifierKey> {
        self.log_key.clone()
    }

    fn conclude(&mut self) -> Conclusion {
        self.books.conclude(&self.streams)
    }
}

impl Ledger {
    fn judge_epoch_on_time(&self, place: &Place<'_>, filing: &Filing, judgement: &mut Judgement) {
        let closes = matches!(
            filing.events.first().map(|event| &event.fact),
            Some(Fact::Registry(RegistryEvent::EpochClosed { .. }))
        );
        let due = place.batch_first && self.epochs.due(self.size, place.recorded_at, &self.rules);
        if due && !closes {
            let number = self.epochs.next_number();
            let what = format!("epoch {number} was due at the start of this batch and is not closed");
            judgement.problems.push(Problem::new(Check::State, "statement", what));
        }
        if closes && !due {
            let what = "an epoch is closed that was not due".to_owned();
            judgement.problems.push(Problem::new(Check::State, "statement", what));
        }
    }

    /// Says which entries a compromised key puts in doubt.
    fn remark(&self, filing: &Filing, verdict: Verdict, judgement: &mut Judgement) {
        for event in filing.events.iter().filter(|_| verdict.is_accepted()) {
            if let Fact::Registry(RegistryEvent::KeyRevoked { key, compromised_since: Some(since), .. }) =
                &event.fact
            {
                let what =
                    format!("signatures of key {key} in entries {since} to {} are contested", self.size);
                let problem = Problem::new(Check::Authority, "/events/data/compromised_since", what);
                judgement.problems.push(problem.weighing(Weight::Remark));
            }
        }
    }
}

fn spell(verdict: Verdict) -> String {
    match verdict.code {
        0 => "accepted".to_owned(),
        code => format!("refused {code} at event {}", verdict.event),
    }
}

fn check_of(rejection: &Rejection) -> Check {
    match rejection {
        Rejection::Envelope(_) | Rejection::Schema(_) => Check::Payload,
        Rejection::IssuedAhead { .. } | Rejection::Expired(_) | Rejection::ValidTooLong { .. } => Check::Time,
        Rejection::StaleVersion { .. }
        | Rejection::StaleRequires { .. }
        | Rejection::AlreadyLogged(_)
        | Rejection::RefusalQuota { .. } => Check::Verdicts,
        Rejection::NotDerived(_) => Check::State,
        _ => Check::Authority,
    }
}
