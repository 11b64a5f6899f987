//! A ledger as files that can be damaged: which bytes belong to which entry or file section, and
//! how an intruder with disk access, with or without the log's key, writes it anew.

use std::{collections::HashMap, fs, path::Path, sync::Arc};

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{
    checkpoint::Checkpoint,
    entry::Leaf,
    frame::{
        BATCH_HEADER_BYTES, BatchBuilder, BatchHeader, NO_PREVIOUS, SegmentHeader, decode_commit,
        decode_frames, encode_commit,
    },
    hash::{Digest, leaf_hash, link},
    keys::SecretKey,
    merkle::CompactRange,
    note::{NoteSigner, SignatureType, SignerKey},
    statement::{Statement, statement_digest},
};
use lian_store::disk::SimDisk;

use super::{
    START_S,
    business::Books,
    desk::{Desk, LogSeeds},
};

pub const SEGMENT: &str = "segments/000000.seg";

/// One section of a segment file.
#[derive(Debug, Clone)]
pub struct Section {
    pub start: usize,
    pub end: usize,
    /// The entry whose frame it is; none for headers and commit frames.
    pub entry: Option<u64>,
    pub name: &'static str,
}

/// The sections of a segment file that is sound.
pub fn sections(bytes: &[u8]) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut add = |start, length, entry, name| {
        sections.push(Section { start, end: start + length, entry, name });
        start + length
    };
    let (_, length) = SegmentHeader::decode(bytes).unwrap();
    let mut at = add(0, length, None, "segment header");
    while at < bytes.len() {
        let header = BatchHeader::decode(&bytes[at..]).unwrap();
        at = add(at, BATCH_HEADER_BYTES, None, "batch header");
        let frames = &bytes[at..at + header.frames_bytes as usize];
        for (index, frame) in (header.first..).zip(decode_frames(&header, frames).unwrap()) {
            at = add(at, frame.length, Some(index), "entry frame");
        }
        let (_, length) = decode_commit(&bytes[at..]).unwrap();
        at = add(at, length, None, "commit frame");
    }
    sections
}

/// The section that holds a byte.
pub fn section_at(sections: &[Section], offset: usize) -> &Section {
    &sections[sections.partition_point(|section| section.end <= offset)]
}

/// A closed ledger of 20 entries with all that happens: genesis, enrolments, guarantees, draws, a
/// refusal, an epoch, an approval that saw it.
pub struct Small {
    pub house: House,
    pub id: String,
    pub segment: Vec<u8>,
    pub checkpoint: Vec<u8>,
    pub sim: SimDisk,
}

pub fn twenty_entries(seed: u64) -> Small {
    let house = House::new(seed);
    let sim = SimDisk::new(seed);
    let mut desk = Desk::open(Arc::new(sim.clone()), &LogSeeds::of(&house), START_S).unwrap();
    desk.accept(&house.opening(START_S));
    let leaf = desk.reader().read_entry(0).unwrap().leaf;
    desk.id = lian_domain::ledger::ledger_id(SAMPLE_NAME, &leaf_hash(&leaf));
    let id = desk.id.clone();
    let everybody = house.enrolments(&id, START_S);
    // Two admins, an officer, release, treasury and the first bank.
    for at in [0, 1, 2, 5, 6, 7] {
        desk.accept(&everybody[at]);
    }
    let mut books = Books::new(&house, &id, START_S);
    let (one, two) = ("guarantee/FB-115-000001", "guarantee/FB-115-000002");
    let morning = [
        vec![books.request(one, "004", 1_000_000), books.accept(one)],
        vec![books.draw(one, 400_000), books.draw(one, 500_000), books.try_draw(one, 200_000)],
        vec![books.pay(one, &declaration_of(one, 1), 400_000)],
        vec![books.request(two, "004", 2_000_000), books.accept(two)],
    ];
    for batch in &morning {
        desk.submit(batch).unwrap();
    }
    desk.clock.pass(600_000);
    books.at(START_S + 600);
    desk.submit(&[books.draw(one, 50_000)]).unwrap();
    let epoch = desk.ledger().epochs().last().unwrap();
    books.see(1, epoch.root);
    let evening = [books.suspend(two, "004"), books.close(two), books.suspend(one, "004")];
    desk.submit(&evening).unwrap();
    assert_eq!(desk.size(), 20, "entry 15 is the epoch, nothing was turned away");
    desk.reader().publish().unwrap();
    desk.close();
    let bytes = |path| sim.bytes_of(path).unwrap();
    Small { id, segment: bytes(SEGMENT), checkpoint: bytes("checkpoint"), sim: sim.clone(), house }
}

fn declaration_of(stream: &str, serial: u64) -> String {
    super::business::declaration(stream, serial)
}

/// Writes a ledger folder of these segments and, if there is one, this published checkpoint.
pub fn write_folder(folder: &Path, segments: &[Vec<u8>], checkpoint: Option<&[u8]>) {
    let inner = folder.join("segments");
    if inner.exists() {
        fs::remove_dir_all(&inner).unwrap();
    }
    fs::create_dir_all(&inner).unwrap();
    for (number, bytes) in segments.iter().enumerate() {
        fs::write(inner.join(format!("{number:06}.seg")), bytes).unwrap();
    }
    let published = folder.join("checkpoint");
    match checkpoint {
        Some(note) => fs::write(published, note).unwrap(),
        None => drop(fs::remove_file(published)),
    }
}

/// What an intruder knows of one entry, and may change.
#[derive(Debug, Clone)]
pub struct Forged {
    pub payload: Vec<u8>,
    pub signatures: Vec<Vec<u8>>,
    pub recorded_at: u64,
    pub rules: u32,
    pub verdict: lian_core::entry::Verdict,
    pub batch_first: bool,
}

/// All entries of a sound segment that starts at entry 0.
pub fn take_apart(segment: &[u8]) -> Vec<Forged> {
    let mut entries = Vec::new();
    let mut at = SegmentHeader::decode(segment).unwrap().1;
    while at < segment.len() {
        let header = BatchHeader::decode(&segment[at..]).unwrap();
        let start = at + BATCH_HEADER_BYTES;
        let end = start + header.frames_bytes as usize;
        for (position, frame) in decode_frames(&header, &segment[start..end]).unwrap().iter().enumerate() {
            let leaf = Leaf::decode(frame.leaf).unwrap();
            entries.push(Forged {
                payload: frame.payload.to_vec(),
                signatures: leaf.signatures.iter().map(|bytes| bytes.to_vec()).collect(),
                recorded_at: leaf.recorded_at,
                rules: leaf.rules,
                verdict: leaf.verdict,
                batch_first: position == 0,
            });
        }
        at = end + decode_commit(&segment[end..]).unwrap().1;
    }
    entries
}

/// The whole chain computed anew: indexes, links, digests, back links, tree, commit frames signed
/// with this key. Without a change it gives the same bytes again. Returns the last note, too.
pub fn put_together(entries: &[Forged], log: &SecretKey) -> (Vec<u8>, Vec<u8>) {
    let key = SecretKey::from_seed(&log.seed());
    let mut signer = SignerKey::new(SAMPLE_NAME, SignatureType::Ed25519, key).unwrap();
    let mut tree = CompactRange::new();
    let mut previous = Digest::ZERO;
    let mut last_of: HashMap<String, u64> = HashMap::new();
    let (mut ledger, mut body, mut note) = (Digest::ZERO, Vec::new(), Vec::new());
    for batch in entries.chunk_by(|_, next| !next.batch_first) {
        let mut builder = BatchBuilder::new(tree.size());
        for entry in batch {
            let index = tree.size();
            let leaf = Leaf {
                index,
                previous,
                recorded_at: entry.recorded_at,
                rules: entry.rules,
                verdict: entry.verdict,
                statement: statement_digest(&entry.payload),
                signatures: entry.signatures.iter().map(Vec::as_slice).collect(),
            };
            let leaf = leaf.encode().unwrap();
            if index == 0 {
                ledger = leaf_hash(&leaf);
            }
            builder.push(&leaf, &entry.payload, back_links(&entry.payload, index, &mut last_of).into_iter());
            previous = link(&leaf);
            tree.push(leaf_hash(&leaf));
        }
        body.extend(builder.finish());
        let checkpoint = Checkpoint { origin: SAMPLE_NAME.to_owned(), size: tree.size(), root: tree.root() };
        let signer: &mut dyn NoteSigner = &mut signer;
        note = checkpoint.sign(signer).unwrap().encode().into_bytes();
        body.extend(encode_commit(&note));
    }
    let recorded_at = entries.first().map_or(0, |entry| entry.recorded_at);
    let header = SegmentHeader { ledger, first: 0, previous: Digest::ZERO, recorded_at, range: Vec::new() };
    ([header.encode(), body].concat(), note)
}

fn back_links(payload: &[u8], index: u64, last_of: &mut HashMap<String, u64>) -> Vec<u64> {
    let Ok(statement) = Statement::parse(payload) else { return vec![NO_PREVIOUS] };
    let links = statement.events.iter().map(|event| *last_of.get(event.stream).unwrap_or(&NO_PREVIOUS));
    let links = links.collect();
    for stream in statement.streams() {
        last_of.insert(stream.to_owned(), index);
    }
    links
}

/// What the verifier finds wrong with a ledger on a simulated disk, in its own words; empty if
/// nothing fails. The live segment may have space behind its end.
pub fn failures_of(sim: &SimDisk) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let segments = (0..).map_while(|number| sim.bytes_of(&format!("segments/{number:06}.seg")));
    let segments: Vec<Vec<u8>> = segments.collect();
    write_folder(folder.path(), &segments, sim.bytes_of("checkpoint").as_deref());
    let options = lian_verify::Options { threads: Some(1), ..lian_verify::Options::default() };
    let report = lian_verify::run(folder.path(), &options, &|_| ()).unwrap();
    let fails = report.findings().filter(|finding| finding.weight == lian_core::audit::Weight::Fails);
    fails.map(|finding| format!("{finding:?}")).collect()
}
