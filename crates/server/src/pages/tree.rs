//! The inclusion proof of an entry, step by step, and as a picture.
//! Invariant: the steps are those of RFC 9162 §2.1.3.2; the last hash is the root exactly when the
//! proof is right, and nothing here says that it is.

use std::fmt::Write as _;

use lian_core::hash::{Digest, node_hash};

/// One step up the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// The hash that the proof gives.
    pub sibling: Digest,
    /// True if it stands on the left.
    pub left: bool,
    /// The hash of both.
    pub parent: Digest,
}

/// The way from a leaf hash to the root of `size` leaves; `None` if the proof has not the length
/// that this place needs.
pub fn steps(index: u64, size: u64, leaf_hash: Digest, proof: &[Digest]) -> Option<Vec<Step>> {
    let (mut place, mut last) = (index, size.checked_sub(1)?);
    if place > last {
        return None;
    }
    let mut hash = leaf_hash;
    let mut steps = Vec::with_capacity(proof.len());
    for sibling in proof {
        if last == 0 {
            return None;
        }
        let left = place & 1 == 1 || place == last;
        let parent = if left { node_hash(sibling, &hash) } else { node_hash(&hash, sibling) };
        if left {
            while place & 1 == 0 && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        }
        place >>= 1;
        last >>= 1;
        hash = parent;
        steps.push(Step { sibling: *sibling, left, parent });
    }
    (last == 0).then_some(steps)
}

const LEVEL: usize = 46;
const WIDTH: usize = 720;
const MIDDLE: usize = WIDTH / 2;
const ASIDE: usize = 210;

/// The steps as a ladder: the root at the top, the entry at the bottom.
pub fn picture(index: u64, leaf_hash: &Digest, steps: &[Step], title: &str) -> String {
    let height = (steps.len() + 1) * LEVEL + 24;
    let mut svg = format!(
        "<svg class=\"tree\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>",
        super::chart::plain(title)
    );
    let y_of = |level: usize| height - 24 - level * LEVEL;
    for (level, step) in steps.iter().enumerate() {
        let (below, above) = (y_of(level), y_of(level + 1));
        let x = if step.left { MIDDLE - ASIDE } else { MIDDLE + ASIDE };
        let _ = write!(
            svg,
            "<path class=\"edge\" d=\"M{MIDDLE} {below}V{above}M{x} {below}L{MIDDLE} {above}\"/><circle class=\"given\" cx=\"{x}\" cy=\"{below}\" r=\"6\"/>"
        );
        label(&mut svg, x, below, step.left, &short(&step.sibling));
    }
    dot(&mut svg, y_of(0), &format!("#{index} {}", short(leaf_hash)));
    for (level, step) in steps.iter().enumerate() {
        dot(&mut svg, y_of(level + 1), &short(&step.parent));
    }
    svg.push_str("</svg>");
    svg
}

fn dot(svg: &mut String, y: usize, text: &str) {
    let _ = write!(svg, "<circle class=\"computed\" cx=\"{MIDDLE}\" cy=\"{y}\" r=\"6\"/>");
    label(svg, MIDDLE, y, false, text);
}

fn label(svg: &mut String, x: usize, y: usize, left: bool, text: &str) {
    let (x, anchor) = if left { (x.saturating_sub(12), "end") } else { (x + 12, "start") };
    let _ =
        write!(svg, "<text class=\"hash\" x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>", y + 4);
}

fn short(digest: &Digest) -> String {
    digest.to_hex().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use lian_core::merkle::CompactRange;

    use super::*;

    /// Audit path by definition (RFC 6962 §2.1.1).
    fn path(index: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let split = leaves.len().next_power_of_two() / 2;
        let (left, right) = leaves.split_at(split);
        let (mut path, other) =
            if index < split { (path(index, left), right) } else { (path(index - split, right), left) };
        path.push(root(other));
        path
    }

    fn root(leaves: &[Digest]) -> Digest {
        let mut range = CompactRange::new();
        for leaf in leaves {
            range.push(*leaf);
        }
        range.root()
    }

    #[test]
    fn the_steps_of_every_entry_of_every_small_tree_lead_to_its_root() {
        let leaves: Vec<Digest> = (0..40_u64).map(|n| lian_core::hash::sha256(&[&n.to_be_bytes()])).collect();
        for size in 1..=leaves.len() {
            for index in 0..size {
                let proof = path(index, &leaves[..size]);
                let steps =
                    steps(index as u64, size as u64, leaves[index], &proof).expect("the right length");
                let last = steps.last().map_or(leaves[index], |step| step.parent);
                assert_eq!(last, root(&leaves[..size]), "{index} of {size}");
                let longer = [&proof[..], &[Digest::ZERO]].concat();
                assert_eq!(super::steps(index as u64, size as u64, leaves[index], &longer), None);
            }
        }
    }
}
