//! Cases whose officer has left: on nobody's list. An alarm, never a refusal: people leave.
//! Pure: a function of the states of posts, cases and handovers.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ids::{Actor, CaseNo},
    state::{Case, Post},
};
use crate::{cases::Handover, dates::Day};

/// An open case whose responsible officer left the post without listing it in a handover.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    /// Which case.
    pub case: CaseNo,
    /// Who is responsible and has left.
    pub officer: Actor,
    /// Last day in the post.
    pub left_on: Day,
}

/// Gathers states in any order, and finds the orphans among them.
#[derive(Debug, Clone, Default)]
pub struct Orphans {
    /// Open cases: responsible officer, and since when.
    open: BTreeMap<CaseNo, (Actor, Day)>,
    /// Cases that an outgoing officer has listed and that still wait for a new one.
    listed: BTreeSet<(Actor, CaseNo)>,
    /// Last days of those who left and did not come back to the same post.
    left: BTreeMap<Actor, Day>,
}

impl Orphans {
    /// Takes a case into account.
    pub fn case(&mut self, case: &Case) {
        if !case.status.has_ended() {
            self.open.insert(case.no.clone(), (case.officer.clone(), case.officer_since));
        }
    }

    /// Takes a handover into account, unless it was given up.
    pub fn handover(&mut self, handover: &Handover) {
        if handover.withdrawn_on.is_none() {
            let outgoing = &handover.listing.outgoing;
            let rows = handover.listing.cases.iter().map(|case| (outgoing.clone(), case.clone()));
            self.listed.extend(rows);
        }
    }

    /// Takes a post into account.
    pub fn post(&mut self, post: &Post) {
        let holds = |actor: &Actor| post.holder.as_ref().is_some_and(|holder| holder.actor == *actor);
        for (holder, until) in post.former.iter().filter(|(holder, _)| !holds(&holder.actor)) {
            let last = self.left.entry(holder.actor.clone()).or_insert(*until);
            *last = (*last).max(*until);
        }
    }

    /// The orphans as of a day, by case: their officer left on or before that day, and took them
    /// on no later than that.
    pub fn find(&self, as_of: Day) -> Vec<Orphan> {
        let orphan = |(case, (officer, since)): (&CaseNo, &(Actor, Day))| {
            let left_on = *self.left.get(officer)?;
            let theirs = *since <= left_on && left_on < as_of;
            let listed = self.listed.contains(&(officer.clone(), case.clone()));
            let found = || Orphan { case: case.clone(), officer: officer.clone(), left_on };
            (theirs && !listed).then(found)
        };
        self.open.iter().filter_map(orphan).collect()
    }
}
