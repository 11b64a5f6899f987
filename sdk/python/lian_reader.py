#!/usr/bin/env python3
"""A second reader of Lian ledgers, written from SPEC.md alone.

    lian_reader.py LEDGER [--log-key VKEY] [--expect FILE] [--receipt FILE ...] [--json]

It reads the segments of a ledger folder, checks every byte, hash and signature, judges every statement
again and derives all verdicts, states and epoch maps. It ends at the first failure and names its place.
It judges the registry, the plain kinds and guarantees; at a statement of another family it ends and says so.
Exit code 0: everything holds. 1: something does not. 2: wrong usage.

Nothing here is shared with the other implementation. Needs PyNaCl and blake3 (requirements.txt).
Names in double quotes in the comments are sections of SPEC.md.
"""

import argparse
import base64
import binascii
import copy
import hashlib
import json
import os
import re
import struct
import sys
from collections import Counter
from datetime import date, timedelta

import nacl.bindings
import nacl.exceptions
import nacl.signing
from blake3 import blake3

MAX_INT = 2**53 - 1
MAX_AMOUNT = 999_999_999_999
MAX_TREE = 2**63 - 1
NONE64 = 2**64 - 1
ZEROS = bytes(32)
DAY_MS = 86_400_000
TAIPEI_MS = 8 * 3_600_000
SEGMENT_MAX = 64 << 20
BATCH_MAX = 8 << 20
STATEMENT_TYPE = b"application/vnd.lian.statement.v1+json"


class Bad(Exception):
    """One failed check: its name, the place, and why."""

    def __init__(self, check, place, why):
        super().__init__(f"{check} at {place}: {why}")
        self.check, self.place, self.why = check, place, why


# ---------------------------------------------------------------- hashes ("Hashes")


def sha256(*parts):
    """SHA-256 of the joined parts."""
    return hashlib.sha256(b"".join(parts)).digest()


def checksum(tag, data):
    """The first 8 bytes of a tagged BLAKE3."""
    return blake3(b"lian/" + tag + b"/v1\n" + data).digest()[:8]


def u16(n):
    """Two bytes, big-endian."""
    return n.to_bytes(2, "big")


def u64(n):
    """Eight bytes, big-endian."""
    return n.to_bytes(8, "big")


def leaf_hash(leaf):
    """RFC 6962 leaf hash."""
    return sha256(b"\x00", leaf)


def pae(payload, payload_type=STATEMENT_TYPE):
    """DSSE pre-authentication encoding: what signatures are over."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type, len(payload), payload)


def key_id(spki):
    """Key id, hex, of an Ed25519 public key given as SPKI DER."""
    return sha256(b"lian/key/v1\n", b"\x01", spki).hex()


def state_digest(state):
    """Digest of a stream's state; zeros if nothing was accepted."""
    return ZEROS if state is None else sha256(b"lian/state/v1\n", write_json(state))


# ---------------------------------------------------------------- JSON ("JSON")

INTEGER = re.compile(rb"-?(?:0|[1-9][0-9]*)")
STRING_RUN = re.compile(rb'[^"\\\x00-\x1f\x7f]*')
LITERALS = {b"t": (b"true", True), b"f": (b"false", False), b"n": (b"null", None)}


def read_json(data):
    """Parse JSON in the one spelling; ValueError (with the offset) for anything else."""

    def fail(at, why):
        raise ValueError(f"byte {at}: {why}")

    def string(at, key):
        """The string whose opening quote is at `at`: (text, offset behind it). Its limit is on bytes as spelled."""
        out, i = bytearray(), at + 1
        while True:
            run = STRING_RUN.match(data, i)
            out += run.group()
            i = run.end()
            if data[i:i + 1] == b'"':
                break
            if data[i:i + 2] not in (b'\\"', b"\\\\") or key:
                fail(i, "a character or escape that is not allowed, or no end of the string")
            out.append(data[i + 1])
            i += 2
        if i - at - 1 > 4096:
            fail(at, "string too long")
        try:
            text = out.decode("utf-8", "strict")
        except UnicodeDecodeError:
            fail(at, "not UTF-8")
        if any("\x80" <= c <= "\x9f" for c in text) or key and not text.isascii():
            fail(at, "a character that is not allowed")
        return text, i + 1

    def value(i, depth):
        first = data[i:i + 1]
        if first == b'"':
            return string(i, False)
        if first in (b"{", b"["):
            return composite(i, depth + 1, first == b"{")
        if first in LITERALS:
            word, result = LITERALS[first]
            if data[i:i + len(word)] != word:
                fail(i, "no value")
            return result, i + len(word)
        number = INTEGER.match(data, i)
        if not number or number.group() == b"-0" or len(number.group()) > 17:
            fail(i, "no value")
        if abs(int(number.group())) > MAX_INT:
            fail(i, "integer too large")
        return int(number.group()), number.end()

    def composite(i, depth, is_object):
        if depth > 16:
            fail(i, "too deep")
        out, last, close = ({} if is_object else []), None, (b"}" if is_object else b"]")
        if data[i + 1:i + 2] == close:
            return out, i + 2
        while True:
            i += 1
            if is_object:
                if data[i:i + 1] != b'"':
                    fail(i, "no key")
                key, after = string(i, True)
                if data[after:after + 1] != b":":
                    fail(after, "no colon")
                if last is not None and key <= last:
                    fail(i, "keys not ascending")
                last = key
                out[key], i = value(after + 1, depth)
            else:
                item, i = value(i, depth)
                out.append(item)
            if len(out) > (64 if is_object else 4096):
                fail(i, "too many members")
            end = data[i:i + 1]
            if end == close:
                return out, i + 1
            if end != b",":
                fail(i, "neither comma nor end")

    result, end = value(0, 0)
    if end != len(data):
        fail(end, "something after the value")
    return result


def write_json(value):
    """The one spelling of a value."""
    if isinstance(value, dict):
        members = (write_json(k) + b":" + write_json(value[k]) for k in sorted(value))
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(write_json, value)) + b"]"
    if isinstance(value, str):
        return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    return json.dumps(value).encode()


# ---------------------------------------------------------------- Ed25519 ("Public keys", "Signatures")

SPKI = bytes.fromhex("302a300506032b6570032100")


def key_is_good(public):
    """A canonical point of the prime-order group, and not its neutral element: fit to be enrolled."""
    return len(public) == 32 and nacl.bindings.crypto_core_ed25519_is_valid_point(public)


def signature_is_good(public, message, signature):
    """The strict rule. libsodium gives it: the 914 vectors of tests/vectors/ed25519 say so (test_reader.py)."""
    try:
        nacl.signing.VerifyKey(public).verify(message, signature)
        return True
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError):
        return False


def strict_base64(text):
    """Base64 with padding in its canonical spelling only; ValueError otherwise."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw) != (text if isinstance(text, bytes) else text.encode()):
        raise ValueError("base64 is not canonical")
    return raw


# ---------------------------------------------------------------- notes, checkpoints, policies

WHITE = set("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}


def name_is_good(name):
    """A key name of a signed note."""
    return 1 <= len(name.encode()) <= 255 and "+" not in name and not set(name) & WHITE


def note_key_id(name, kind, public):
    """The four bytes that name a key on a note's signature line."""
    return sha256(name.encode(), b"\n", bytes([kind]), public)[:4]


def read_vkey(text):
    """vkey -> (name, type, public key)."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not name_is_good(parts[0]):
        raise ValueError("not a vkey")
    raw = strict_base64(parts[2])
    if len(raw) != 33 or raw[0] not in (1, 4) or not key_is_good(raw[1:]):
        raise ValueError("not a good key")
    if note_key_id(parts[0], raw[0], raw[1:]).hex() != parts[1]:
        raise ValueError("key id is not that of the key")
    return parts[0], raw[0], raw[1:]


def read_note_line(line):
    """A signature line without its line feed -> (name, key id, signature)."""
    words = line.split(" ")
    if len(words) != 3 or words[0] != "\u2014" or not name_is_good(words[1]):
        raise ValueError("not a signature line")
    raw = strict_base64(words[2])
    if not 5 <= len(raw) <= 4 + 8192:
        raise ValueError("not a signature")
    return words[1], raw[:4], raw[4:]


def read_note(note):
    """Signed note -> (text bytes, signature lines)."""
    if any(byte < 0x20 and byte != 0x0A for byte in note):
        raise ValueError("control byte in a note")
    cut = note.rfind(b"\n\n")
    if cut < 0 or not note.endswith(b"\n"):
        raise ValueError("not a signed note")
    text, lines = note[:cut + 1], note[cut + 2:].decode().split("\n")[:-1]
    text.decode()
    if not 1 <= len(lines) <= 64 or len(text) > 65536:
        raise ValueError("too much or too little in a note")
    return text, [read_note_line(line) for line in lines]


def open_checkpoint(note, origin, public):
    """Signed checkpoint of the log -> (size, root); ValueError unless the log's line verifies."""
    text, lines = read_note(note)
    ours = [sig for name, kid, sig in lines if name == origin and kid == note_key_id(origin, 1, public)]
    if not ours or not all(signature_is_good(public, text, sig) for sig in ours):
        raise ValueError("no valid signature of the log")
    return read_checkpoint(text, origin)


def read_checkpoint(text, origin):
    """The three lines of a checkpoint -> (size, root)."""
    lines = text.decode().split("\n")
    if len(lines) != 4 or lines[3] or lines[0] != origin:
        raise ValueError("not a checkpoint of this log")
    size, root = decimal(lines[1]), strict_base64(lines[2])
    if size > MAX_TREE or len(root) != 32 or size == 0 and root != sha256():
        raise ValueError("size or root of the checkpoint")
    return size, root


def decimal(text):
    """ASCII digits without leading zeros."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,19}", text):
        raise ValueError("not a decimal number")
    return int(text)


def read_policy(text):
    """C2SP tlog-policy -> {"logs", "witnesses", "groups", "quorum"}; ValueError if it is none."""
    if len(text.encode()) > 65536 or not text.endswith("\n") or re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text):
        raise ValueError("not a policy")
    policy = {"logs": [], "witnesses": {}, "groups": {}, "quorum": None}
    used = set()
    for line in text.split("\n"):
        words = re.findall(r"[^ \t]+", line)
        if not words or words[0].startswith("#"):
            continue
        known = policy["witnesses"].keys() | policy["groups"].keys()
        if words[0] == "log" and len(words) in (2, 3):
            policy["logs"].append(read_vkey(words[1]))
        elif words[0] == "witness" and len(words) in (3, 4) and words[1] not in known | {"none"}:
            policy["witnesses"][words[1]] = read_vkey(words[2])
        elif words[0] == "group" and len(words) >= 4 and words[1] not in known | {"none"}:
            members = words[3:]
            k = {"any": 1, "all": len(members)}.get(words[2]) or decimal(words[2])
            if not set(members) <= known or len(set(members)) < len(members) or used & set(members):
                raise ValueError("members of a group")
            if not 1 <= k <= len(members):
                raise ValueError("threshold of a group")
            used |= set(members)
            policy["groups"][words[1]] = (k, members)
        elif words[0] == "quorum" and len(words) == 2 and policy["quorum"] is None:
            if words[1] != "none" and words[1] not in known:
                raise ValueError("quorum of nobody")
            policy["quorum"] = words[1]
        else:
            raise ValueError(f"policy line {line!r}")
    logs, witnesses = [k[2] for k in policy["logs"]], [k[2] for k in policy["witnesses"].values()]
    if policy["quorum"] is None or len(set(logs)) < len(logs) or len(set(witnesses)) < len(witnesses):
        raise ValueError("no quorum, or a key twice")
    if any(k[1] != 1 for k in policy["logs"]) or any(k[1] != 4 for k in policy["witnesses"].values()):
        raise ValueError("key of a wrong type")
    if max(len(policy["logs"]), len(policy["witnesses"]), len(policy["groups"])) > 64:
        raise ValueError("too many names")
    return policy


def quorum_counts(policy, text, lines):
    """Whether these (valid) cosignature lines over a checkpoint's text reach the policy's quorum."""

    def counts(name):
        if name in policy["groups"]:
            k, members = policy["groups"][name]
            return sum(map(counts, members)) >= k
        key_name, _, public = policy["witnesses"][name]
        return any(cosigned(sig, public, text) for line_name, kid, sig in lines
                   if line_name == key_name and kid == note_key_id(key_name, 4, public))

    return policy["quorum"] == "none" or counts(policy["quorum"])


def cosigned(signature, public, text):
    """A cosignature/v1 by this key over this text."""
    when = int.from_bytes(signature[:8], "big")
    message = b"cosignature/v1\ntime %d\n" % when + text
    return len(signature) == 72 and when < 2**63 and signature_is_good(public, message, signature[8:])


# ---------------------------------------------------------------- tree and map


class Tree:
    """Compact range: the roots of the full subtrees, largest first ("Tree")."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, hash_):
        """Append a leaf hash."""
        size = self.size
        while size & 1:
            hash_ = sha256(b"\x01", self.peaks.pop(), hash_)
            size >>= 1
        self.peaks.append(hash_)
        self.size += 1

    def root(self):
        """Root of the tree."""
        if not self.peaks:
            return sha256()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = sha256(b"\x01", peak, root)
        return root


def map_root(pairs, depth=0):
    """Root of the epoch map over (key, value) pairs sorted by key ("Epoch map")."""
    if not pairs:
        return ZEROS
    if len(pairs) == 1:
        return sha256(b"\x02", *pairs[0])
    cut = next((i for i, (key, _) in enumerate(pairs) if key[depth // 8] >> (7 - depth % 8) & 1), len(pairs))
    return sha256(b"\x03", map_root(pairs[:cut], depth + 1), map_root(pairs[cut:], depth + 1))


def inclusion_root(hash_, index, size, proof):
    """Root that an inclusion proof leads to; ValueError if the proof is too short or too long."""
    if index >= size:
        raise ValueError("index is not below the size")
    proof, last = list(proof), size - 1
    while last:
        if index & 1 or index != last:
            if not proof:
                raise ValueError("proof is too short")
            side = proof.pop(0)
            hash_ = sha256(b"\x01", side, hash_) if index & 1 else sha256(b"\x01", hash_, side)
        index, last = index >> 1, last >> 1
    if proof:
        raise ValueError("proof is too long")
    return hash_


# ---------------------------------------------------------------- times and values ("Times", "Values")


def read_moment(text):
    """A moment -> Unix milliseconds; ValueError if it is none."""
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)([+-])(\d\d):(\d\d)", text, re.ASCII)
    if not m or text.endswith("-00:00"):
        raise ValueError("not a moment")
    year, month, day, hour, minute, second, off_h, off_m = (int(m[i]) for i in (1, 2, 3, 4, 5, 6, 8, 9))
    if hour > 23 or minute > 59 or second > 59 or off_m > 59 or off_h * 60 + off_m > 14 * 60:
        raise ValueError("not a moment")
    days = date(year, month, day).toordinal() - 719_163
    offset = (off_h * 60 + off_m) * (1 if m[7] == "+" else -1)
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1000


def civil_day(ms):
    """The civil day at +08:00 of a time of the log."""
    return date.fromordinal(719_163 + (ms + TAIPEI_MS) // DAY_MS).isoformat()


def plus_days(day, n):
    """A date n days later."""
    return (date.fromisoformat(day) + timedelta(n)).isoformat()


def months_end(day, months):
    """The last day of a period of months that begins the day after `day` ("Periods")."""
    begin = date.fromisoformat(day) + timedelta(1)
    count = begin.year * 12 + begin.month - 1 + months
    try:
        end = date(count // 12, count % 12 + 1, begin.day) - timedelta(1)
    except ValueError:
        end = date((count + 1) // 12, (count + 1) % 12 + 1, 1) - timedelta(1)
    return end.isoformat()


def text_of(pattern):
    """Check for a string of this pattern."""
    compiled = re.compile(pattern)
    return lambda v: isinstance(v, str) and compiled.fullmatch(v) is not None


def integer(low, high=MAX_INT):
    """Check for an integer of this range (true and false are none)."""
    return lambda v: type(v) is int and low <= v <= high


def one_of(*values):
    """Check for one of these strings."""
    return lambda v: isinstance(v, str) and v in values


def ascending(check, low, high):
    """Check for a list of low to high items, ascending by bytes, without repetition."""
    return lambda v: (isinstance(v, list) and low <= len(v) <= high and all(map(check, v))
                      and all(a < b for a, b in zip(v, v[1:])))


def is_moment(v):
    """Check for a moment."""
    try:
        return isinstance(v, str) and isinstance(read_moment(v), int)
    except ValueError:
        return False


def is_date(v):
    """Check for a date in data."""
    try:
        return (text_of(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")(v) and bool(date.fromisoformat(v))
                and "1912-01-01" <= v <= "2910-12-31")
    except ValueError:
        return False


def is_spki(v):
    """Check for the hex of an Ed25519 public key that may be enrolled."""
    return (text_of(r"[0-9a-f]{88}")(v) and bytes.fromhex(v)[:12] == SPKI and key_is_good(bytes.fromhex(v)[12:]))


def shaped(need, may=None, also=lambda v: True):
    """Check for an object with exactly these members (`may`: may be absent) and one more test."""
    may = may or {}
    return lambda v: (isinstance(v, dict) and need.keys() <= v.keys() <= need.keys() | may.keys()
                      and all((need.get(k) or may[k])(x) for k, x in v.items()) and also(v))


def is_bool(v):
    """Check for true or false."""
    return isinstance(v, bool)


TAX_TYPES = ["commodity", "deposit", "duty", "tobacco_alcohol", "tobacco_health", "trade_fee", "vat"]
amount, hex64, ubn = integer(1, MAX_AMOUNT), text_of("[0-9a-f]{64}"), text_of("[0-9]{8}")
bank_code, reason, house = text_of("[0-9]{3}"), text_of("[a-z0-9_]{1,32}"), text_of("[A-Z][A-Z0-9]")
declaration, tax_list = text_of("[A-Z][A-Z0-9][A-Z0-9_]{12}"), ascending(one_of(*TAX_TYPES), 1, 7)
is_stream = lambda v: text_of(r"[a-z_]+(/[A-Za-z0-9._:-]{1,64}){1,3}")(v) and len(v) <= 128
is_actor = text_of("[A-Za-z0-9._:-]{1,64}")
is_ledger_name = text_of("[A-Za-z0-9._/:-]{1,100}")



def organisation(actor):
    """The organisation that an actor belongs to ("Draws", Schemes)."""
    return "customs" if ":" not in actor or actor.split(":")[0] in ("officer", "system", "root") else actor


is_path = text_of(r"[a-z_]{1,32}(/[a-z_]{1,32}){0,3}")
at_most = lambda limit, check: lambda v: check(v) and len(v.encode()) <= limit
is_scheme = shaped({
    "at": one_of("start", "end"), "calendar": one_of("day", "month", "quarter"),
    "commit_seconds": integer(0, 2_592_000), "committers": ascending(is_actor, 1, 8),
    "count_max": integer(1, 128), "count_min": integer(0, 128), "each": lambda v: v is None or is_path(v),
    "is": lambda v: isinstance(v, dict) and len(v) <= 8 and all(map(is_path, v))
    and all(isinstance(x, str) and len(x.encode()) <= 64 for x in v.values()),
    "name": text_of("[a-z_]{1,32}"), "open_days": integer(0, 366), "opener": one_of("ethics", "officer", "supervisor"),
    "organisations": integer(2, 8), "per_10000": integer(0, 10000),
    "prefix": at_most(64, text_of("[a-z_]{1,32}/[A-Za-z0-9._:/-]*")), "reveal_seconds": integer(60, 2_592_000),
    "suffix": at_most(64, text_of("(/[A-Za-z0-9._:-]+)*")), "within": lambda v: v is None or is_path(v)},
    also=lambda v: v["count_min"] <= v["count_max"]
    and len(set(map(organisation, v["committers"]))) >= v["organisations"])
is_draws = lambda v: (isinstance(v, list) and len(v) <= 32 and all(map(is_scheme, v))
                      and all(a["name"] < b["name"] for a, b in zip(v, v[1:])))
is_ethics = shaped({
    "gift_days": integer(0, 365), "gift_many": integer(0, 1_000_000), "gift_small": integer(0, 1_000_000),
    "gift_standard": integer(0, 1_000_000), "lecture_hour": integer(0, 1_000_000), "lobbying_days": integer(0, 365),
    "review_days": integer(0, 366), "run_days": integer(0, 366), "source_year": integer(0, 10_000_000),
    "writing_thousand": integer(0, 1_000_000)})
is_clocks = lambda v: (isinstance(v, list) and 1 <= len(v) <= 4 and all(map(shaped({
    "code": one_of("CL-A", "CL-B", "CL-C", "CL-D"), "from": one_of("act_end", "prosecution_final", "revocation_final", "occurrence"),
    "stops": is_bool, "years": integer(1, 30)}), v)) and all(a["code"] < b["code"] for a, b in zip(v, v[1:])))
is_cases = shaped({
    "articles": lambda v: isinstance(v, list) and len(v) <= 64 and all(map(shaped(
        {"article": text_of("[A-Za-z0-9._-]{1,32}"), "clocks": is_clocks}), v))
    and all(a["article"] < b["article"] for a, b in zip(v, v[1:])),
    "ask_months": integer(1, 60), "default": is_clocks, "refer_days": integer(0, 365), "store_days": integer(0, 365),
    "warn_months": lambda v: isinstance(v, list) and 1 <= len(v) <= 8 and all(map(integer(1, 60), v))
    and all(a > b for a, b in zip(v, v[1:]))})
is_clearance = shaped({
    "amend_hours": integer(0, 8760), "amend_hours_late": integer(0, 8760), "bag_grams_max": integer(1, 1_000_000_000),
    "inspection_days_express": integer(0, 365), "inspection_days_general": integer(0, 365),
    "landed_correction_days": integer(0, 365), "landed_days_airside": integer(0, 365),
    "landed_days_express": integer(0, 365), "landed_days_general": integer(0, 365), "manifest_hours": integer(0, 8760),
    "review_months": integer(1, 120), "sorting_closed_from": is_date, "target_days_max": integer(1, 3650),
    "value_high": amount, "value_low": integer(0, MAX_AMOUNT)}, also=lambda v: v["value_low"] <= v["value_high"])
is_obligations = shaped({name: integer(0, 365) for name in ("assign_days", "handover_days", "patrol_days")})
is_rules = shaped({
    "banks": ascending(bank_code, 1, 64), "cases": is_cases, "clearance": is_clearance, "claim_tail_days": integer(0, 3650),
    "clock_skew_seconds": integer(0, 3600), "deposit_months": integer(1, 120), "draws": is_draws,
    "due_days": integer(1, 365), "engine": integer(1, 1_000_000), "epoch_entries": integer(1, 1_048_576),
    "epoch_seconds": integer(1, 86400), "ethics": is_ethics, "obligations": is_obligations,
    "refusals_per_day": integer(0, 1_000_000), "restore_order": one_of("tax_first", "charges_first"),
    "seen_required": ascending(lambda v: text_of(r"[a-z_]+\.[a-z_]+")(v) and len(v) <= 64, 0, 256),
    "statement_days_max": integer(1, 365), "supervisor_from": amount, "surcharge_days_max": integer(0, 3650),
    "surcharge_per_10000": integer(0, 10000), "tax_types": tax_list, "version": integer(1, 1_000_000)})


# ---------------------------------------------------------------- kinds and their data

def rules_digest(rules):
    """Digest of rules data, hex."""
    return sha256(b"lian/rules/v1\n", write_json(rules)).hex()


def policy_text(lines):
    """The tlog-policy whose lines an opening lists."""
    return "".join(line + "\n" for line in lines)


def is_policy(v):
    """Check for a witness policy."""
    try:
        return v == "none" or isinstance(v, list) and bool(read_policy(policy_text(v)))
    except (TypeError, ValueError):
        return False


def all_differ(values):
    """Whether no value stands there twice."""
    values = list(values)
    return len(set(values)) == len(values)


GRANTS = {"agency": {"anticorruption", "committer"}, "airline": {"airline"},
          "bank": {"committer", "guarantor", "treasury"}, "broker": {"broker"}, "forwarder": {"forwarder"},
          "officer": {"admin", "ethics", "head", "integrity", "legal", "officer", "supervisor", "witness"},
          "system": {"committer", "gate", "queue", "release", "screening", "treasury"}, "warehouse": {"warehouse"}}
ADMISSIBLE = r"(?:bank:[0-9]{3}|(?:agency|airline|broker|forwarder|officer|system|warehouse):[A-Za-z0-9._:-]+)"
is_root = shaped({"key": is_spki, "organisation": text_of("[A-Za-z0-9._-]{1,50}")})
unit = text_of("[A-Za-z0-9._:-]{1,64}")
fact = lambda **need: shaped({"declaration": declaration, **need}, {"draw": integer(1)})
nothing = shaped({})

# kind: (stream pattern, reader class, alternatives of capacities, check of the data)
VOUCHERS = "vouchers"
BY_OFFICER, BY_BOTH, BY_BANK = [{"officer": 1}], [{"officer": 1, "supervisor": 1}], [{"guarantor": 1}]
BY_LOG = [{"log": 1}]
ACTOR, GUARANTEE = r"actor/(" + ADMISSIBLE + ")", r"guarantee/([A-Za-z0-9.-]{1,32})"
NUMBER = r"([1-9][0-9]{0,15})"
KINDS = {
    "ledger.opened": (r"ledger/main", "public", [], shaped({
        "log_key": is_spki, "name": is_ledger_name, "nonce": hex64, "synthetic": is_bool,
        "predecessor": lambda v: v is None or shaped({"ledger": text_of("[A-Za-z0-9._/:-]{1,100}#[^#]{43}"), "root": hex64,
                                                      "size": integer(1)})(v),
        "roots": lambda v: isinstance(v, list) and 3 <= len(v) <= 6 and all(map(is_root, v)),
        "rules": lambda v: is_rules(v) and v["version"] == 1, "system_admission": is_spki, "system_log": is_spki,
        "threshold": integer(2), "witness_policy": is_policy},
        also=lambda v: v["threshold"] <= len(v["roots"]) and all_differ(r["organisation"] for r in v["roots"])
        and all_differ([r["key"] for r in v["roots"]] + [v["log_key"], v["system_log"], v["system_admission"]]))),
    "actor.registered": (ACTOR, "public", [VOUCHERS], shaped({"unit": unit}, {"person": text_of("[0-9a-f]{32}")})),
    "key.enrolled": (ACTOR, "public", [VOUCHERS, {"holder": 1, "admin": 1}, {"recovery": 1, "admin": 1}], shaped(
        {"algorithm": integer(1, 1), "capacities": ascending(text_of("[a-z_]{1,32}"), 1, 8), "key": is_spki},
        {"chain": hex64, "recovery": is_spki}, also=lambda v: v["key"] != v.get("recovery"))),
    "key.revoked": (ACTOR, "public", [VOUCHERS, {"holder": 1}, {"recovery": 1}], shaped(
        {"key": hex64, "reason": one_of("retired", "lost", "compromised")}, {"compromised_since": integer(0)},
        also=lambda v: (v["reason"] == "compromised") == ("compromised_since" in v))),
    "rules.published": (r"rules/" + NUMBER, "public", [VOUCHERS], shaped(
        {"digest": hex64, "rules": is_rules}, also=lambda v: v["digest"] == rules_digest(v["rules"]))),
    "rules.activated": (r"rules/" + NUMBER, "public", [VOUCHERS], shaped({"epoch": integer(0), "version": integer(1)})),
    "clock.stepped": (r"clock/main", "public", [VOUCHERS], shaped({"step_ms": integer(-MAX_INT)})),
    "epoch.closed": (r"epoch/" + NUMBER, "public", BY_LOG, shaped(
        {"engine": integer(1, 1), "map": hex64, "n": integer(1), "root": hex64, "size": integer(1)})),
    "epoch.cosigned": (r"epoch/(0|[1-9][0-9]*)", "public", BY_LOG, shaped(
        {"lines": lambda v: isinstance(v, list) and 1 <= len(v) <= 32 and all(isinstance(x, str) for x in v),
         "n": integer(0), "size": integer(1)})),
    "refusals.withheld": (r"refusals/([0-9a-f]{64})", "public", BY_LOG, shaped({"count": integer(1), "key": hex64})),
    "scheme.suspended": (r"debtor/[0-9]{8}", "public", BY_BOTH, shaped(
        {"from": is_date, "until": is_date}, also=lambda v: v["from"] <= v["until"])),
    "scheme.restored": (r"debtor/[0-9]{8}", "public", BY_BOTH, nothing),
    "delegation.recorded": (r"delegation/[0-9]{8}/[0-9]{8}", "parties", BY_OFFICER, nothing),
    "delegation.ended": (r"delegation/[0-9]{8}/[0-9]{8}", "parties", BY_OFFICER, nothing),
    "declaration.blocked": (r"declaration/[A-Z][A-Z0-9][A-Z0-9_]{12}", "house", BY_OFFICER, shaped(
        {"reason": one_of("cancelled", "seized", "held")})),
    "declaration.unblocked": (r"declaration/[A-Z][A-Z0-9][A-Z0-9_]{12}", "house", BY_OFFICER, nothing),
    "guarantee.requested": (GUARANTEE, "parties", BY_BANK, shaped(
        {"bank": bank_code, "branch": text_of("[0-9]{4}"), "debtor": ubn, "from": is_date, "limit": amount,
         "kind": one_of("independent", "accessory"), "no": text_of("[A-Za-z0-9.-]{1,32}"),
         "purpose": one_of("importer", "broker"), "scope": lambda v: v == "all" or text_of("[A-Z][A-Z0-9]?")(v),
         "to": is_date}, {"tax_types": tax_list}, also=lambda v: v["from"] <= v["to"])),
    "guarantee.accepted": (GUARANTEE, "parties", BY_OFFICER + BY_BOTH, shaped({"terms": hex64})),
    "guarantee.rejected": (GUARANTEE, "parties", BY_OFFICER, shaped({"reason": reason})),
    "guarantee.suspended": (GUARANTEE, "parties", BY_BANK, shaped({}, {"reason": reason})),
    "guarantee.amended": (GUARANTEE, "parties", [{"guarantor": 1, "officer": 1}], shaped(
        {}, {"limit": amount, "to": is_date}, also=bool)),
    "guarantee.drawn": (GUARANTEE, "parties", [{"release": 1}, {"officer": 1}], shaped(
        {"declaration": declaration, "house": house, "importer": ubn, "manual": is_bool, "served_on": is_date,
         "taxes": lambda v: isinstance(v, dict) and v and v.keys() <= set(TAX_TYPES)
         and all(map(amount, v.values())) and sum(v.values()) <= MAX_AMOUNT},
        {"broker": ubn}, also=lambda v: v["house"] == v["declaration"][:2])),
    "guarantee.assessed": (GUARANTEE, "parties", BY_OFFICER, fact(change=integer(-MAX_AMOUNT, MAX_AMOUNT))),
    "guarantee.tax_paid": (GUARANTEE, "parties", [{"treasury": 1}], fact(amount=amount)),
    "guarantee.surcharge_accrued": (GUARANTEE, "parties", [{"treasury": 1}, {"officer": 1}],
                                    fact(amount=amount, days=integer(1))),
    "guarantee.draw_cancelled": (GUARANTEE, "parties", BY_OFFICER, fact(reason=reason)),
    "guarantee.claimed": (GUARANTEE, "parties", BY_BOTH, shaped(
        {"default": reason,
         "draws": lambda v: isinstance(v, list) and 1 <= len(v) <= 32 and all(map(fact(amount=amount), v))
         and all(a["declaration"] < b["declaration"] for a, b in zip(v, v[1:]))})),
    "guarantee.claim_paid": (GUARANTEE, "parties", BY_BANK, shaped({"amount": amount, "claim": integer(1)})),
    "guarantee.claim_refused": (GUARANTEE, "parties", BY_BANK, shaped(
        {"claim": integer(1), "reasons": lambda v: isinstance(v, list) and 1 <= len(v) <= 8 and all(map(reason, v))})),
    "guarantee.claim_withdrawn": (GUARANTEE, "parties", BY_OFFICER, shaped({"claim": integer(1), "reason": reason})),
    "guarantee.closed": (GUARANTEE, "parties", BY_OFFICER, nothing),
}
UNJUDGED = set("broker cargo case draw ethics ethics_run exhibit flight gatecard handover mawb officer patrol post queue "
               "roster target transfer".split())  # families of SPEC.md that this reader cannot judge
FACTS = {"assessed", "tax_paid", "surcharge_accrued"}
STREAM_NAMES_MEMBER = {  # the member of the data that the stream's name repeats
    "guarantee.requested": lambda d: d["no"], "rules.published": lambda d: str(d["rules"]["version"]),
    "rules.activated": lambda d: str(d["version"]), "epoch.closed": lambda d: str(d["n"]),
    "epoch.cosigned": lambda d: str(d["n"]), "refusals.withheld": lambda d: d["key"]}
is_event = shaped({"data": lambda v: isinstance(v, dict), "expect": integer(0), "kind": lambda v: isinstance(v, str) and v in KINDS,
                   "occurred_at": is_moment, "stream": is_stream})
is_statement = shaped(
    {"events": lambda v: isinstance(v, list) and 1 <= len(v) <= 256 and all(map(is_event, v)),
     "id": text_of("[0-9a-f]{32}"), "issued_at": is_moment, "valid_until": is_moment,
     "issuers": lambda v: isinstance(v, list) and 1 <= len(v) <= 8 and all(map(shaped(
         {"actor": is_actor, "as": text_of("[a-z_]{1,32}"), "key": hex64}), v)),
     "ledger": text_of("[A-Za-z0-9._/:-]{1,100}(#[A-Za-z0-9_-]{43})?")},
    {"requires": lambda v: isinstance(v, list) and 1 <= len(v) <= 64
     and all(map(shaped({"stream": is_stream, "version": integer(0)}), v)) and all_differ(r["stream"] for r in v),
     "seen": shaped({"epoch": integer(0), "root": hex64})})


def has_kinds(v):
    """Whether a value lists events that name their kinds."""
    events = v.get("events") if isinstance(v, dict) else None
    return isinstance(events, list) and all(isinstance(e, dict) and isinstance(e.get("kind"), str) for e in events)


def read_statement(payload):
    """Step 1 of "Order of judgement": the payload in one spelling, well-formed in every member."""
    statement = read_json(payload)
    kinds = [e["kind"] for e in statement["events"]] if has_kinds(statement) else []
    unjudged = [kind for kind in kinds if kind.split(".")[0] in UNJUDGED]
    if unjudged:
        raise ValueError(f"this reader does not judge {unjudged[0]} yet")
    if not is_statement(statement):
        raise ValueError("not a statement")
    for event in statement["events"]:
        kind, stream, data = event["kind"], event["stream"], event["data"]
        pattern, _, _, check = KINDS[kind]
        match = re.fullmatch(pattern, stream)
        if not match or not check(data):
            raise ValueError(f"{kind} is not well-formed")
        if kind in STREAM_NAMES_MEMBER and STREAM_NAMES_MEMBER[kind](data) != match[1]:
            raise ValueError(f"{kind} on another stream")
        if stream.startswith("actor/"):
            prefix = match[1].split(":")[0]
            if match[1] in ("system:log", "system:admission") or len(match[1]) > 64:
                raise ValueError("an actor of entry 0 only")
            if kind == "actor.registered" and ("person" in data) != (prefix == "officer"):
                raise ValueError("a person exactly for officers")
            if kind == "key.enrolled" and not set(data["capacities"]) <= GRANTS[prefix]:
                raise ValueError("a capacity that this actor cannot hold")
    if len({KINDS[e["kind"]][1] for e in statement["events"]}) > 1:
        raise ValueError("several reader classes")
    return statement


# ---------------------------------------------------------------- state, and the work on one statement


class Ledger:
    """All that is known after the entries read so far."""

    def __init__(self):
        self.tree, self.link, self.time = Tree(), ZEROS, 0
        self.opening, self.id, self.rules, self.first_leaf = None, None, None, ZEROS
        self.streams = {}      # id -> {"version", "logged", "acc", "state", "last"}
        self.published = {}    # rules version -> rules data
        self.keys = {}         # key id -> 32 bytes of the public key
        self.epochs = []       # see new_epoch
        self.draws = {}        # declaration -> guarantee stream with an open draw of it
        self.refused = Counter()  # (first issuer's key, day) -> logged refusals
        self.digests = set()
        self.waiting = None    # time of the first entry since the last epoch that is not the log's own
        self.verdicts, self.kinds = [], Counter()
        self.checkpoints = {}  # size -> root, as signed in commit frames

    def state(self, stream):
        """State of a stream, or None."""
        return self.streams[stream]["state"] if stream in self.streams else None

    def version(self, stream):
        """Count of a stream's accepted events."""
        return self.streams[stream]["version"] if stream in self.streams else 0

    def map_root(self):
        """Root of the epoch map over all streams named so far, computed from nothing."""
        pairs = ((sha256(b"lian/stream/v1\n", name.encode()),
                  sha256(b"\x04", u64(s["version"]), u64(s["logged"]), s["acc"], state_digest(s["state"])))
                 for name, s in self.streams.items())
        return map_root(sorted(pairs))

    def admins_ready(self):
        """Whether two admins of different units hold live keys."""
        return len({s["state"]["unit"] for name, s in self.streams.items()
                    if name.startswith("actor/") and s["state"]
                    and any("admin" in k["capacities"] for k in live_keys(s["state"]))}) >= 2


def live_keys(actor_state):
    """The keys of an actor that are not revoked."""
    return [k for k in actor_state["keys"] if k["revoked"] is None] if actor_state else []


def new_epoch(size, root):
    """A closed epoch; `text` is the checkpoint of the batch that closed it, once that is committed."""
    return {"size": size, "root": root, "text": None, "lines": [], "cosigned": False}


class Work:
    """One statement being judged: copies of the states it touches, and what becomes true on acceptance."""

    def __init__(self, ledger, entry, statement):
        self.ledger, self.index, self.rules = ledger, entry["index"], ledger.rules
        self.today = civil_day(entry["time"])
        self.touched, self.effects = {}, []
        self.capacities = {i["as"] for i in statement["issuers"]}

    def state(self, stream):
        """A state that the events of this statement may change."""
        if stream not in self.touched:
            self.touched[stream] = copy.deepcopy(self.ledger.state(stream))
        return self.touched[stream]

    def peek(self, stream):
        """A state to look at only."""
        return self.touched[stream] if stream in self.touched else self.ledger.state(stream)

    def has_open_draw(self, name):
        """Whether the declaration has an open draw on any guarantee."""
        kept = self.ledger.draws.get(name)
        return (kept is not None and kept not in self.touched) or any(
            d["declaration"] == name for s, g in self.touched.items()
            if s.startswith("guarantee/") and g for d in g["draws"])


def apply_event(event, work):
    """Judge one event and do its effect: a refusal code, or 0."""
    family = event["kind"].split(".")[0]
    rule = apply_guarantee if family == "guarantee" else (
        apply_plain if family in ("scheme", "delegation", "declaration") else apply_registry)
    return rule(event["kind"], event["stream"], event["data"], work)


def apply_plain(kind, stream, data, work):
    """The switches ("Plain kinds")."""
    member, off = {"debtor": ("suspended", None), "delegation": ("recorded", False),
                   "declaration": ("blocked", None)}[stream.split("/")[0]]
    is_on = (work.state(stream) or {member: off})[member] != off
    if kind.endswith((".suspended", ".recorded", ".blocked")):
        if is_on:
            return 2
        if kind == "scheme.suspended":
            if (date.fromisoformat(data["until"]) - date.fromisoformat(data["from"])).days >= 366:
                return 4
        work.touched[stream] = {member: data.get("reason", True) if kind != "scheme.suspended" else dict(data)}
        return 0
    work.touched[stream] = {member: off}
    return 0 if is_on else 3


def apply_registry(kind, stream, data, work):
    """Refusals and effects of "Registry"."""
    state, ledger = work.state(stream), work.ledger
    if kind == "ledger.opened":
        work.touched[stream] = {"log_key": key_id(bytes.fromhex(data["log_key"])), "name": data["name"],
                                "roots": [key_id(bytes.fromhex(r["key"])) for r in data["roots"]],
                                "threshold": data["threshold"]}
    elif kind == "actor.registered":
        if state is not None:
            return 2
        work.touched[stream] = {"keys": [], "person": data.get("person"), "unit": data["unit"]}
    elif kind == "key.enrolled":
        if state is None:
            return 1
        if len(live_keys(state)) >= 16:
            return 5
        spki = bytes.fromhex(data["key"])
        recovery = bytes.fromhex(data["recovery"]) if "recovery" in data else None
        state["keys"].append({"capacities": data["capacities"], "enrolled": work.index, "id": key_id(spki),
                              "recovery": key_id(recovery) if recovery else None, "revoked": None})
        for der in filter(None, (spki, recovery)):
            work.effects.append(lambda der=der: ledger.keys.update({key_id(der): der[12:]}))
    elif kind == "key.revoked":
        if state is None:
            return 1
        key = next((k for k in state["keys"] if k["id"] == data["key"]), None)
        if key is None:
            return 6
        if key["revoked"]:
            return 7
        if data.get("compromised_since", MAX_INT) < key["enrolled"]:
            return 8
        if data.get("compromised_since", 0) > work.index:
            return 12
        key["revoked"] = {"compromised_since": data.get("compromised_since"), "entry": work.index,
                          "reason": data["reason"]}
    elif kind == "rules.published":
        if state is not None:
            return 2
        if data["rules"]["version"] <= work.rules["version"]:
            return 10
        work.touched[stream] = {"activated": None, "digest": data["digest"], "published": work.index}
        work.effects.append(lambda: ledger.published.update({data["rules"]["version"]: data["rules"]}))
    elif kind == "rules.activated":
        if state is not None and state["activated"] is not None:
            return 2
        if state is None:
            return 9
        if data["version"] <= work.rules["version"]:
            return 10
        epoch = ledger.epochs[data["epoch"]] if data["epoch"] < len(ledger.epochs) else None
        if epoch is None or not epoch["cosigned"] or epoch["size"] <= state["published"]:
            return 11
        state["activated"] = work.index
        work.effects.append(lambda: setattr(ledger, "rules", ledger.published[data["version"]]))
    elif kind == "clock.stepped":
        work.touched[stream] = {"steps": (state or {"steps": 0})["steps"] + 1}
    elif kind == "refusals.withheld":
        work.touched[stream] = {"withheld": (state or {"withheld": 0})["withheld"] + data["count"]}
    elif kind == "epoch.closed":
        work.touched[stream] = {"lines": 0}
        work.effects.append(lambda: ledger.epochs.append(new_epoch(data["size"], data["root"])))
    elif kind == "epoch.cosigned":
        work.touched[stream] = {"lines": (state or {"lines": 0})["lines"] + len(data["lines"])}
        epoch, policy = ledger.epochs[data["n"]], ledger.opening["witness_policy"]
        lines = epoch["lines"] + list(map(read_note_line, data["lines"]))
        work.effects.append(lambda: epoch.update(lines=lines))
        if policy != "none" and quorum_counts(read_policy(policy_text(policy)), epoch["text"], lines):
            work.effects.append(lambda: epoch.update(cosigned=True))
    return 0


# ---------------------------------------------------------------- the guarantee machine ("Guarantee")


def due(draw):
    """What is owed on a draw: tax and charges, less what was paid."""
    return draw["amount"] + draw["adjusted"] + draw["charges"] - draw["paid_tax"] - draw["paid_charges"]


def find_draw(state, named):
    """The open draw that {declaration, [draw]} names, or None."""
    return next((d for d in state["draws"] if d["declaration"] == named["declaration"]
                 and named.get("draw", d["draw"]) == d["draw"]), None)


def guard(kind, state, data, work):
    """The first guard, in the order of the codes, that fails for a guarantee event; 0 if none does."""

    def judged(names):
        return kind in names.split()

    if state is None or kind == "requested":
        if kind != "requested":
            return 101
        return 102 if state is not None else 104 if data["bank"] not in work.rules["banks"] else 0
    today, rules, status, draws = work.today, work.rules, state["status"], state["draws"]
    owed, limit = sum(map(due, draws)), state["limit"]
    pending = sum(part["amount"] for claim in state["claims"] for part in claim["draws"])
    if kind in FACTS:
        extra = max(0, data["change"]) if kind == "assessed" else data["amount"]
        return 135 if too_large(state, extra) else 0
    if status in ("closed", "rejected", "withdrawn"):
        return 103
    if kind == "accepted" and state["bank"] not in rules["banks"]:
        return 104
    if status == "requested" and not judged("accepted rejected suspended"):
        return 105
    if status == "suspended" and judged("suspended amended drawn"):
        return 106
    if judged("accepted amended drawn") and today > state["to"]:
        return 107
    if kind == "drawn":
        code = guard_draw(state, data, work, sum(data["taxes"].values()))
        if code:
            return code
    if kind == "accepted":
        if suspended_today(work, state["debtor"]):
            return 113
        if data["terms"] != state["terms"]:
            return 117
    if judged("accepted rejected") and status != "requested":
        return 118
    if kind == "accepted" and limit >= rules["supervisor_from"] and "supervisor" not in work.capacities:
        return 119
    # 120 (same person) cannot fail here: the statement would have been rejected with 12.
    if kind == "closed":
        if owed > 0:
            return 121
        if state["claims"]:
            return 122
        if any(d.get("settle_by", "") >= today for d in draws):
            return 123
    if kind == "amended":
        new_limit, new_to = data.get("limit", limit), data.get("to", state["to"])
        if "limit" in data and new_limit == limit or "to" in data and new_to == state["to"]:
            return 124
        if new_limit < limit and (new_limit < owed or new_limit < pending):
            return 125
        if new_to < state["to"] and (new_to < state["from"] or new_to < today):
            return 126
        if new_to < state["to"] and any(due(d) > 0 and d["due_on"] > new_to for d in draws):
            return 127
    if kind == "draw_cancelled":
        draw = find_draw(state, data)
        if draw is None or draw["claimed"] > 0:
            return 128 if draw is None else 122
    if kind == "claimed":
        named = [(part, find_draw(state, part)) for part in data["draws"]]
        if any(draw is None for _, draw in named):
            return 128
        if any(today <= draw["due_on"] for _, draw in named):
            return 129
        if today > plus_days(state["to"], rules["claim_tail_days"]):
            return 130
        if pending + sum(part["amount"] for part in data["draws"]) > limit:
            return 131
        if any(part["amount"] > due(draw) - draw["claimed"] for part, draw in named):
            return 132
    if judged("claim_paid claim_refused claim_withdrawn"):
        claim = next((c for c in state["claims"] if c["claim"] == data["claim"]), None)
        if claim is None:
            return 133
        if kind == "claim_paid":
            if data["amount"] != sum(part["amount"] for part in claim["draws"]):
                return 134
            if too_large(state, data["amount"]) or state["called"] + data["amount"] > MAX_INT:
                return 135
    if kind == "drawn" and too_large(state, sum(data["taxes"].values())):
        return 135
    return 0


def guard_draw(state, data, work, total):
    """Guards 108 to 116 of a draw."""
    debtor, importer = state["debtor"], data["importer"]
    available = max(0, state["limit"] - sum(max(due(d), d["claimed"]) for d in state["draws"]))
    if work.today < state["from"]:
        return 108
    if total > available:
        return 109
    if state["scope"] not in ("all", data["house"][0], data["house"]):
        return 110
    if state["purpose"] == "importer" and importer != debtor:
        return 111
    if state["purpose"] == "broker":
        delegation = work.peek(f"delegation/{debtor}/{importer}")
        if data.get("broker") != debtor or not (delegation and delegation["recorded"]):
            return 112
    if suspended_today(work, debtor) or suspended_today(work, importer):
        return 113
    if work.has_open_draw(data["declaration"]):
        return 114
    if (work.peek("declaration/" + data["declaration"]) or {"blocked": None})["blocked"] is not None:
        return 115
    if not data["taxes"].keys() <= set(state["tax_types"]) & set(work.rules["tax_types"]):
        return 116
    return 0


def suspended_today(work, debtor):
    """Whether release before tax is suspended today for this business."""
    switch = (work.peek("debtor/" + debtor) or {"suspended": None})["suspended"]
    return switch is not None and switch["from"] <= work.today <= switch["until"]


def too_large(state, extra):
    """The sums of a guarantee and `extra` do not fit (135)."""
    paid = sum(d["paid_tax"] + d["paid_charges"] for d in state["draws"])
    unsecured = sum(u["amount"] for u in state["unsecured"])
    return sum(map(due, state["draws"])) + paid + state["refunds"] + unsecured + extra > MAX_INT


def pay(state, draw, money, order):
    """Book a payment on an open draw; what is left over is to be refunded."""
    steps = [("paid_tax", draw["amount"] + draw["adjusted"]), ("paid_charges", draw["charges"])]
    for member, owed in steps if order == "tax_first" else reversed(steps):
        part = min(money, owed - draw[member])
        draw[member] += part
        money -= part
    state["refunds"] += money


def owe_unsecured(state, name, change):
    """Change the debt of a declaration that no draw secures; returns what fell below zero."""
    debts = {u["declaration"]: u["amount"] for u in state["unsecured"]}
    debt = debts.get(name, 0) + change
    debts[name] = max(0, debt)
    state["unsecured"] = [{"amount": debts[n], "declaration": n} for n in sorted(debts) if debts[n]]
    return max(0, -debt)


def apply_guarantee(kind, stream, data, work):
    """Guards and effects of one guarantee event."""
    kind, state, order = kind.split(".")[1], work.state(stream), work.rules["restore_order"]
    code = guard(kind, state, data, work)
    if code:
        return code
    changed = []
    if kind == "requested":
        state = work.touched[stream] = {
            **{m: data[m] for m in ("bank", "branch", "debtor", "from", "kind", "no", "purpose", "scope", "limit", "to")},
            "tax_types": data.get("tax_types", TAX_TYPES), "status": "requested", "draws": [], "draws_made": 0,
            "claims": [], "claims_made": 0, "called": 0, "refunds": 0, "unsecured": [], "strays": 0,
            "terms": sha256(b"lian/terms/v1\n", write_json(data)).hex()}
    elif kind in ("accepted", "rejected"):
        state["status"] = "active" if kind == "accepted" else "rejected"
    elif kind == "suspended":
        state["status"] = "withdrawn" if state["status"] == "requested" else "suspended"
    elif kind == "amended":
        state.update(data)
    elif kind == "drawn":
        state["draws_made"] += 1
        draw = {"adjusted": 0, "amount": sum(data["taxes"].values()), "charges": 0, "claimed": 0,
                "declaration": data["declaration"], "draw": state["draws_made"], "importer": data["importer"],
                "due_on": plus_days(data["served_on"], work.rules["due_days"]), "paid_charges": 0, "paid_tax": 0}
        if "deposit" in data["taxes"]:
            draw["settle_by"] = months_end(work.today, work.rules["deposit_months"])
        state["draws"] = sorted(state["draws"] + [draw], key=lambda d: d["declaration"])
    elif kind in FACTS:
        changed = apply_fact(kind, state, data, order)
    elif kind == "draw_cancelled":
        draw = find_draw(state, data)
        state["refunds"] += draw["paid_tax"] + draw["paid_charges"]
        state["draws"].remove(draw)
    elif kind == "claimed":
        state["claims_made"] += 1
        for part in data["draws"]:
            find_draw(state, part)["claimed"] += part["amount"]
        state["claims"].append({"claim": state["claims_made"], "draws": [
            {"amount": p["amount"], "declaration": p["declaration"]} for p in data["draws"]]})
    elif kind.startswith("claim_"):
        claim = next(c for c in state["claims"] if c["claim"] == data["claim"])
        state["claims"].remove(claim)
        if kind == "claim_paid":
            state["limit"] -= data["amount"]
            state["called"] += data["amount"]
        for part in claim["draws"]:
            draw = find_draw(state, part)
            draw["claimed"] -= part["amount"]
            if kind == "claim_paid":
                pay(state, draw, part["amount"], order)
            changed.append(draw)
    elif kind == "closed":
        state["status"], state["draws"] = "closed", []
    for draw in changed:
        if due(draw) == 0 and draw["claimed"] == 0 and "settle_by" not in draw:
            state["draws"].remove(draw)
    state["outstanding"] = sum(map(due, state["draws"]))
    return 0


def apply_fact(kind, state, data, order):
    """A fact, on its open draw or on none; returns the draws that it changed."""
    draw = find_draw(state, data)
    if draw is None:
        state["strays"] += 1
        change = {"assessed": data.get("change", 0), "tax_paid": -data.get("amount", 0),
                  "surcharge_accrued": data.get("amount", 0)}[kind]
        left = owe_unsecured(state, data["declaration"], change)
        if kind == "tax_paid":
            state["refunds"] += left
        return []
    if kind == "surcharge_accrued":
        draw["charges"] += data["amount"]
    elif kind == "tax_paid":
        pay(state, draw, data["amount"], order)
    else:
        tax = draw["amount"] + draw["adjusted"] + data["change"]
        state["strays"] += tax < 0
        draw["adjusted"] = max(0, tax) - draw["amount"]
        draw.pop("settle_by", None)
        excess = max(0, -due(draw))
        state["refunds"] += excess
        paid = draw["paid_tax"] + draw["paid_charges"] - excess
        draw["paid_tax"] = min(draw["paid_tax"], max(0, tax))
        draw["paid_charges"] = paid - draw["paid_tax"]
    return [draw]


# ---------------------------------------------------------------- "Order of judgement"


def judge_signatures(ledger, statement, payload, signatures, place, report):
    """Step 2: one valid signature per issuer, in their order."""
    brought = [e["data"] for e in statement["events"] if e["kind"] in ("key.enrolled", "ledger.opened")]
    keys = dict(ledger.keys)
    for data in brought:
        ders = [data["key"]] if "key" in data else [data["system_log"], data["system_admission"]] + [
            r["key"] for r in data["roots"]]
        keys.update({key_id(bytes.fromhex(d)): bytes.fromhex(d)[12:] for d in ders})
    report.check("signatures", len(signatures) == len(statement["issuers"]), place, "not one signature per issuer")
    for issuer, signature in zip(statement["issuers"], signatures):
        report.check("signatures", issuer["key"] in keys, place, f"unknown key of {issuer['actor']}")
        report.check("signatures", signature_is_good(keys[issuer["key"]], pae(payload), signature), place,
                     f"signature of {issuer['actor']} does not verify")


def judge_opening(ledger, statement, place, report):
    """Entry 0: one ledger.opened, signed by every root, then by the log and the admission system."""
    event = statement["events"][0]
    data = event["data"]
    report.check("authority", len(statement["events"]) == 1 and event["kind"] == "ledger.opened"
                 and event["expect"] == 0 and not {"requires", "seen"} & statement.keys()
                 and statement["ledger"] == data["name"], place, "not a first entry (27)")
    id_of = lambda der: key_id(bytes.fromhex(der))
    expected = [{"actor": "root:" + r["organisation"], "as": "root", "key": id_of(r["key"])} for r in data["roots"]]
    expected += [{"actor": "system:" + name, "as": "possession", "key": id_of(data["system_" + name])}
                 for name in ("log", "admission")]
    report.check("authority", statement["issuers"] == expected, place, "not every root, then log and admission")
    ledger.opening, ledger.rules = data, data["rules"]
    ledger.published[1] = data["rules"]
    ledger.keys.update({id_of(d): bytes.fromhex(d)[12:] for d in
                        [data["system_log"], data["system_admission"]] + [r["key"] for r in data["roots"]]})


def judge_authority(ledger, statement, place, report):
    """Step 5: keys, actors, capacities, vouchers, sides, one bank."""

    def need(condition, why):
        report.check("authority", condition, place, why)

    events, issuers, opening = statement["events"], statement["issuers"], ledger.opening
    held = Counter(i["as"] for i in issuers)
    others = [i for i in issuers if i["as"] != "possession"]
    enrolled = [e for e in events if e["kind"] == "key.enrolled"]
    for issuer in issuers:
        actor, capacity, key = issuer["actor"], issuer["as"], issuer["key"]
        state = ledger.state("actor/" + actor)
        if capacity == "root":
            good = any(actor == "root:" + r["organisation"] and key == key_id(bytes.fromhex(r["key"]))
                       for r in opening["roots"])
        elif capacity == "log":
            good = actor == "system:log" and key == key_id(bytes.fromhex(opening["system_log"]))
        elif capacity == "possession":
            good = any(e["stream"] == "actor/" + actor and key == key_id(bytes.fromhex(e["data"]["key"]))
                       for e in enrolled)
        elif capacity == "holder":
            good = key in [k["id"] for k in live_keys(state)]
        elif capacity == "recovery":
            good = state is not None and key in [k["recovery"] for k in state["keys"]]
        else:
            good = any(key == k["id"] and capacity in k["capacities"] for k in live_keys(state))
        need(good, f"{actor} may not sign as {capacity} with this key (7-10)")
    persons = [(ledger.state("actor/" + i["actor"]) or {}).get("person") for i in others]
    need(all_differ(i["key"] for i in issuers) and all_differ(i["actor"] for i in others)
         and all_differ(filter(None, persons)), "an actor, person or key twice (12)")
    new_keys = [key_id(bytes.fromhex(e["data"][m])) for e in enrolled for m in ("key", "recovery") if m in e["data"]]
    need(all_differ(new_keys) and not set(new_keys) & ledger.keys.keys(), "key enrolled before (28)")

    largest = Counter({"possession": len(enrolled)})
    for event in events:
        alternatives = []
        need(event["kind"] != "ledger.opened", "a second opening (27)")
        kinds_alternatives = KINDS[event["kind"]][2]
        if event["kind"] == "key.enrolled":
            first = not (ledger.state(event["stream"]) or {"keys": []})["keys"]
            need(("chain" in event["data"]) == first, "chain exactly for the first key")
            kinds_alternatives = kinds_alternatives[:1] if first else kinds_alternatives[1:]
        for alternative in kinds_alternatives:
            if alternative is VOUCHERS:
                alternative = {"admin": 2} if ledger.admins_ready() else {"root": max(held["root"], opening["threshold"])}
            if all(held[c] >= n for c, n in alternative.items()):
                alternatives.append(alternative)
        need(alternatives, f"nobody who may sign {event['kind']} (11, 29)")
        chosen = max(reversed(alternatives), key=lambda a: sum(a.values()))  # of equals the last
        for capacity, count in chosen.items():
            largest[capacity] = max(largest[capacity], count)
        same = [i["actor"] for i in issuers if i["as"] in ("holder", "recovery") and i["as"] in chosen]
        need(all("actor/" + actor == event["stream"] for actor in same), "holder of another actor's key (15)")
        if chosen.get("admin") == 2:
            units = [ledger.state("actor/" + i["actor"])["unit"] for i in issuers if i["as"] == "admin"]
            need(all_differ(units), "two admins of one unit (29)")
    need(+largest == held, "not exactly the capacities that the kinds require (11)")

    banks = set()
    for event in events:
        if not event["kind"].startswith("guarantee."):
            continue
        state, data = ledger.state(event["stream"]), event["data"]
        bank = state["bank"] if state else data.get("bank")  # only a request has the member
        banks |= {bank} - {None}
        if event["kind"] == "guarantee.drawn":
            need(data["manual"] == (held["officer"] > 0), "manual draws are the officers' (15)")
    need(all(i["actor"] == "bank:" + bank for i in issuers for bank in banks if i["as"] == "guarantor"),
         "another bank's guarantee (15)")
    need(len(banks) <= 1, "guarantees of several banks (16)")


def judge_window(ledger, statement, entry, place, report):
    """Steps 3 and 4: ledger, times, and the epoch that the signers saw."""
    rules, now = ledger.rules, entry["time"]
    issued, until = read_moment(statement["issued_at"]), read_moment(statement["valid_until"])
    report.check("window", entry["index"] == 0 or statement["ledger"] == ledger.id, place, "wrong ledger (3)")
    report.check("window", issued <= now + 1000 * rules["clock_skew_seconds"], place, "issued ahead (4)")
    report.check("window", 0 <= until - issued <= rules["statement_days_max"] * DAY_MS, place, "valid too long (6)")
    report.check("window", now <= until, place, "expired (5)")
    seen = statement.get("seen")
    report.check("seen", seen or not {e["kind"] for e in statement["events"]} & set(rules["seen_required"]), place,
                 "seen is missing (20)")
    report.check("seen", not seen or seen["epoch"] < len(ledger.epochs)
                 and ledger.epochs[seen["epoch"]]["root"] == seen["root"], place, "seen is contradicted (21)")


def judge_versions(ledger, statement, digest, place, report):
    """Step 6 without the log's own facts."""
    count = Counter()
    for event in statement["events"]:
        stream = event["stream"]
        report.check("versions", event["expect"] == ledger.version(stream) + count[stream], place,
                     f"expect on {stream} (18)")
        count[stream] += 1
    for required in statement.get("requires", []):
        report.check("versions", ledger.version(required["stream"]) == required["version"], place,
                     f"requires {required['stream']} (19)")
    report.check("once", digest not in ledger.digests, place, "the statement is in the log already (23)")


def judge_epochs(ledger, statement, entry, first_of_batch, place, report):
    """When an epoch is due, and the log's own facts (26)."""
    last = ledger.epochs[-1]
    window = lambda ms: ms // (1000 * ledger.rules["epoch_seconds"])
    closes = statement["events"][0]["kind"] == "epoch.closed"
    if first_of_batch:
        is_due = entry["index"] - last["size"] >= ledger.rules["epoch_entries"] or (
            ledger.waiting is not None and window(ledger.waiting) < window(entry["time"]))
        report.check("epoch-due", is_due == closes, place, "due, but not closed" if is_due else "closed, but not due")
    for at, event in enumerate(statement["events"]):
        data = event["data"]
        if event["kind"] == "epoch.closed":
            report.check("epoch-due", at == 0 and first_of_batch, place, "an epoch is closed within a batch")
            report.check("epoch-root", data["n"] == len(ledger.epochs) and data["size"] == entry["index"]
                         and data["root"] == ledger.tree.root().hex(), place, "number, size or root of the epoch")
            report.check("epoch-map", data["map"] == ledger.map_root().hex(), place, "map of the epoch")
        elif event["kind"] == "epoch.cosigned":
            epoch = ledger.epochs[data["n"]] if data["n"] < len(ledger.epochs) else None
            report.check("epoch-cosigned", epoch is not None and epoch["text"] is not None
                         and data["size"] == int(epoch["text"].split(b"\n")[1]), place, "no such epoch, or its size")
            try:
                list(map(read_note_line, data["lines"]))
            except ValueError as error:
                raise Bad("epoch-cosigned", place, error) from None


def judge_entry(ledger, entry, first_of_batch, place, report):
    """Judge one logged statement again, compare the verdict, and take it into the state."""
    leaf, payload = entry["leaf"], entry["payload"]
    report.check("payload", any(payload), place, "destroyed: nothing can be judged from here on")
    digest = sha256(pae(payload))
    report.check("statement-digest", digest == entry["statement"], place, "not the digest of the payload")
    try:
        statement = read_statement(payload)
    except ValueError as error:
        raise Bad("payload", place, error) from None
    report.passed["payload"] += 1
    events, first_issuer = statement["events"], statement["issuers"][0]
    streams = list(dict.fromkeys(e["stream"] for e in events))
    last = [ledger.streams[e["stream"]]["last"] if e["stream"] in ledger.streams else NONE64 for e in events]
    report.check("back-links", entry["back"] == last, place, "previous entry of a stream")
    judge_signatures(ledger, statement, payload, entry["signatures"], place, report)
    if entry["index"] == 0:
        judge_opening(ledger, statement, place, report)
        judge_window(ledger, statement, entry, place, report)
    else:
        judge_window(ledger, statement, entry, place, report)
        judge_authority(ledger, statement, place, report)
        judge_versions(ledger, statement, digest, place, report)
        judge_epochs(ledger, statement, entry, first_of_batch, place, report)
    report.check("rules-version", entry["rules"] == ledger.rules["version"], place, "another version is in force")

    work, code, at = Work(ledger, entry, statement), 0, 0
    for at, event in enumerate(events):
        code = apply_event(event, work)
        if code:
            break
    verdict = (code, at if code else 0)
    report.check("verdict", verdict == entry["verdict"], place,
                 f"logged {entry['verdict']}, derived {verdict} (code, event)")
    if code:
        day = (first_issuer["key"], work.today)
        report.check("refusal-quota", ledger.refused[day] < ledger.rules["refusals_per_day"], place, "used up (24)")
        ledger.refused[day] += 1

    hash_ = leaf_hash(leaf)
    if entry["index"] == 0:
        ledger.first_leaf = hash_
        ledger.id = statement["ledger"] + "#" + base64.urlsafe_b64encode(hash_).decode().rstrip("=")
        ledger.epochs.append(new_epoch(1, hash_.hex()))
    for stream in streams:
        kept = ledger.streams.setdefault(stream, {"version": 0, "logged": 0, "acc": ZEROS, "state": None})
        kept["logged"] += 1
        kept["acc"] = sha256(b"\x05", kept["acc"], u64(entry["index"]), hash_)
        kept["last"] = entry["index"]
    if not code:
        for event in events:
            ledger.streams[event["stream"]]["version"] += 1
        for stream in streams:
            for draw in (ledger.state(stream) or {}).get("draws", []):
                ledger.draws.pop(draw["declaration"])
            ledger.streams[stream]["state"] = work.touched[stream]
            ledger.draws.update({d["declaration"]: stream for d in (ledger.state(stream) or {}).get("draws", [])})
        for effect in work.effects:
            effect()
    if events[0]["kind"] == "epoch.closed":
        ledger.waiting = None
    elif ledger.waiting is None and entry["index"] and first_issuer["actor"] != "system:log":
        ledger.waiting = entry["time"]
    ledger.digests.add(digest)
    ledger.verdicts.append(code)
    ledger.kinds.update(e["kind"] for e in events)
    ledger.tree.add(hash_)
    ledger.link = blake3(b"lian/link/v1\n" + leaf).digest()
    ledger.time = entry["time"]


# ---------------------------------------------------------------- bytes ("Leaf", "Frames", "Segment files")


class Bytes:
    """A file with a read position; reading behind its end is a failed check."""

    def __init__(self, data, name):
        self.data, self.name, self.at = data, name, 0

    def place(self):
        """Where reading stands."""
        return f"{self.name} offset {self.at}"

    def take(self, n, check):
        """The next n bytes."""
        if self.at + n > len(self.data):
            raise Bad(check, self.place(), "the file ends here")
        self.at += n
        return self.data[self.at - n:self.at]

    def unpack(self, form, check):
        """The next big-endian integers."""
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form), check))


def read_leaf(leaf, place, report):
    """The fields of a leaf, in its one spelling."""
    good = len(leaf) >= 93 and leaf[0] == 1 and 1 <= leaf[89] <= 8
    report.check("leaf", good, place, "version, length or count")
    index, previous, time, rules, code, event, statement, count = struct.unpack(">xQ32sQIHH32sB", leaf[:90])
    report.check("leaf", code or not event, place, "an accepted statement with a verdict event")
    signatures, at = [], 90
    for _ in range(count):
        length = int.from_bytes(leaf[at:at + 2], "big")
        signatures.append(leaf[at + 2:at + 2 + length])
        report.check("leaf", length and len(signatures[-1]) == length, place, "length of a signature")
        at += 2 + length
    report.check("leaf", at == len(leaf), place, "bytes after the last signature")
    return {"leaf": leaf, "index": index, "previous": previous, "time": time, "rules": rules,
            "verdict": (code, event), "statement": statement, "signatures": signatures}


def read_frame(file, report):
    """One entry frame: (entry, the bytes that its checksum covers with that checksum)."""
    start, place = file.at, file.place()
    leaf_len, payload_len, count = file.unpack("HIH", "frame")
    report.check("frame", leaf_len and 1 <= payload_len <= 61440 and 1 <= count <= 256, place, "lengths")
    back = list(file.unpack("%dQ" % count, "frame"))
    leaf = file.take(leaf_len, "frame")
    head = file.data[start:file.at]
    payload = file.take(payload_len, "frame")
    check = file.take(8, "frame")
    report.check("frame", check == checksum(b"frame", head), place, "checksum")
    return {**read_leaf(leaf, place, report), "back": back, "payload": payload}, head + check


def read_batch(ledger, file, options, report, begin=None):
    """One batch: its header, its entries, its commit frame. `begin`: the time in a segment header before it."""
    place = file.place()
    head = file.take(52, "batch-header")
    report.check("batch-header", file.take(8, "batch-header") == checksum(b"batch-header", head)
                 and head[:4] == b"LBAT", place, "magic or checksum")
    first, count, length, digest = struct.unpack(">4xQII32s", head)
    report.check("batch-header", first == ledger.tree.size and count and 60 + length <= BATCH_MAX, place,
                 "first index, count or length")
    frames = file.at
    entries, covered = [], []
    for _ in range(count):
        entry, bytes_ = read_frame(file, report)
        entries.append(entry)
        covered.append(bytes_)
        report.check("frame", file.at - frames <= length, place, "frames are longer than the batch header says")
    report.check("batch-digest", file.at - frames == length
                 and digest == blake3(b"lian/batch/v1\n" + b"".join(covered)).digest(), place, "digest or length")
    report.check("segment-header", begin in (None, entries[0]["time"]), place, "recorded_at of the first entry")
    for position, entry in enumerate(entries):
        where = f"entry {ledger.tree.size} ({file.name})"
        report.check("index", entry["index"] == ledger.tree.size, where, f"the leaf says {entry['index']}")
        report.check("link", entry["previous"] == ledger.link, where, "not the link of the leaf before")
        report.check("time", ledger.time <= entry["time"] < 253_402_214_400_000, where, "recorded_at decreases, or is absurd")
        judge_entry(ledger, entry, position == 0, where, report)
    read_commit(ledger, file, options, report)


def read_commit(ledger, file, options, report):
    """A commit frame: the log's checkpoint of exactly the tree so far."""
    place = file.place()
    report.check("commit", file.take(4, "commit") == b"LCMT", place, "no commit frame")
    length, = file.unpack("H", "commit")
    report.check("commit", 1 <= length <= 1024, place, "length")
    note = file.take(length, "commit")
    if ledger.tree.size and "log_key" not in options:
        der = bytes.fromhex(ledger.opening["log_key"])
        options["log_key"] = (ledger.opening["name"], 1, der[12:])
    origin, _, public = options["log_key"]
    report.check("commit", origin == ledger.opening["name"], place, "the log key has another name than the ledger")
    try:
        text, lines = read_note(note)
        size, root = open_checkpoint(note, origin, public)
    except ValueError as error:
        raise Bad("commit", place, error) from None
    report.check("commit", len(lines) == 1 and size == ledger.tree.size and root == ledger.tree.root(), place,
                 "size or root of the checkpoint, or several signatures")
    for epoch in ledger.epochs:
        if epoch["text"] is None:
            epoch["text"] = text
            epoch["cosigned"] |= ledger.opening["witness_policy"] == "none"
    ledger.checkpoints[size] = root


def read_segment(ledger, data, name, is_last, options, report):
    """One segment file: header, batches, zeros."""
    file = Bytes(data, name)
    if is_last and ledger.tree.size and not any(data):
        return  # a segment that is prepared, and not begun
    place = file.place()
    report.check("segment-header", len(data) <= SEGMENT_MAX and file.take(8, "segment-header") == b"LIANSEG1", place,
                 "length or magic")
    first_leaf, index, link, time, count = file.unpack("32sQ32sQB", "segment-header")
    peaks = file.take(32 * count, "segment-header")
    report.check("segment-header", file.take(8, "segment-header") == checksum(b"segment", data[:file.at - 8]), place,
                 "checksum")
    report.check("segment-header", index == ledger.tree.size and link == ledger.link
                 and peaks == b"".join(ledger.tree.peaks), place, "index, link or compact range")
    read_batch(ledger, file, options, report, time)
    while any(data[file.at:file.at + 64]):
        read_batch(ledger, file, options, report)
    report.check("segment-header", first_leaf == ledger.first_leaf, place, "leaf hash of entry 0")
    report.check("tail", not any(data[file.at:]), file.place(), "bytes after the last commit frame")


def read_ledger(folder, options, report):
    """All segments of a ledger folder, then its published checkpoint."""
    ledger, segments = Ledger(), os.path.join(folder, "segments")
    names = sorted((n for n in os.listdir(segments) if n.endswith(".seg")), key=lambda n: (len(n), n))
    report.check("folder", names == ["%06d.seg" % i for i in range(len(names))] and names, segments,
                 "segments are not numbered from 0 without gaps")
    for number, name in enumerate(names):
        with open(os.path.join(segments, name), "rb") as file:
            data = file.read()
        read_segment(ledger, data, f"segments/{name}", number == len(names) - 1, options, report)
    path = os.path.join(folder, "checkpoint")
    if os.path.exists(path):
        with open(path, "rb") as file:
            note = file.read()
        try:
            size, root = open_checkpoint(note, options["log_key"][0], options["log_key"][2])
        except ValueError as error:
            raise Bad("published", path, error) from None
        report.check("published", ledger.checkpoints.get(size) == root, path,
                     f"the log made no checkpoint of size {size} with this root")
    return ledger


# ---------------------------------------------------------------- receipts, expectations, command line


def check_receipt(data, log_key):
    """A .tlog-proof file ("Receipts") -> (index, tree size); ValueError for any other."""
    head, gap, note = data.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    if lines.pop(0) != "c2sp.org/tlog-proof@v1" or not gap or not note or not lines:
        raise ValueError("not a receipt")
    if not lines[0].startswith("extra "):
        raise ValueError("no extra: the leaf is not in the receipt")
    extra = strict_base64(lines.pop(0)[6:])
    if not lines or not lines[0].startswith("index "):
        raise ValueError("no index")
    index, proof = decimal(lines.pop(0)[6:]), [strict_base64(line) for line in lines]
    if index >= MAX_TREE or len(proof) > 63 or any(len(h) != 32 for h in proof):
        raise ValueError("index or hashes")
    cut = 2 + int.from_bytes(extra[:2], "big")
    leaf, size, payload = extra[2:cut], extra[cut:cut + 4], extra[cut + 4:]
    if len(size) != 4 or int.from_bytes(size, "big") != len(payload) or len(payload) > 61440:
        raise ValueError("extra does not decode")
    tree_size, root = open_checkpoint(note, log_key[0], log_key[2])
    if inclusion_root(leaf_hash(leaf), index, tree_size, proof) != root:
        raise ValueError("the leaf is not proven to be in the tree")
    entry = read_leaf(leaf, "leaf", Report())
    if entry["index"] != index or entry["statement"] != sha256(pae(payload)):
        raise ValueError("index or statement of the leaf")
    return index, tree_size


class Report:
    """What was checked: passed counts by name, and failures with their places."""

    def __init__(self):
        self.passed, self.failed = Counter(), []

    def check(self, name, condition, place, why):
        """Count a check that holds; end the reading at one that does not."""
        if not condition:
            raise Bad(name, place, why)
        self.passed[name] += 1

    def lines(self):
        """Rows of (check, result, detail)."""
        bad = {error.check for error in self.failed}
        rows = [(name, "PASS", f"{count} times") for name, count in self.passed.items() if name not in bad]
        return rows + [(e.check, "FAIL", f"{e.place}: {e.why}") for e in self.failed]


def found(ledger):
    """What this ledger holds, in the shape of an expectation file."""
    return {"epochs": len(ledger.epochs), "kinds": dict(ledger.kinds), "ledger": ledger.id,
            "map": ledger.map_root().hex(), "root": ledger.tree.root().hex(), "rules": ledger.rules["version"],
            "size": ledger.tree.size, "verdicts": ledger.verdicts,
            "streams": {name: [s["version"], s["logged"], state_digest(s["state"]).hex()]
                        for name, s in ledger.streams.items()}}


def compare(result, expected, report):
    """Compare with an expectation file, member by member and stream by stream."""
    for name in sorted(expected.keys() | result.keys()):
        want, have = expected.get(name), result.get(name)
        if want == have:
            report.passed["expect " + name] += 1
        elif isinstance(want, dict) and isinstance(have, dict):
            report.failed += [Bad("expect " + name, key, f"expected {want.get(key)}, found {have.get(key)}")
                              for key in sorted(want.keys() | have.keys()) if want.get(key) != have.get(key)]
        else:
            report.failed.append(Bad("expect " + name, name, f"expected {want}, found {have}"))


def main(arguments=None):
    """Command line: see the head of this file."""
    parser = argparse.ArgumentParser(description="Read and verify a Lian ledger.")
    parser.add_argument("ledger", help="ledger folder")
    parser.add_argument("--log-key", help="vkey of the log, instead of the key that entry 0 names")
    parser.add_argument("--expect", help="JSON file with the results to find")
    parser.add_argument("--receipt", action="append", default=[], help="receipt of this ledger to check")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    wish = parser.parse_args(arguments)
    report, options, ledger = Report(), {}, None
    try:
        if wish.log_key:
            options["log_key"] = read_vkey(wish.log_key)
        ledger = read_ledger(wish.ledger, options, report)
        for path in wish.receipt:
            with open(path, "rb") as file:
                data = file.read()
            try:
                check_receipt(data, options["log_key"])
            except ValueError as error:
                raise Bad("receipt", path, error) from None
            report.passed["receipt"] += 1
        if wish.expect:
            with open(wish.expect, encoding="utf-8") as file:
                compare(found(ledger), json.load(file), report)
    except Bad as error:
        report.failed.append(error)
    except (OSError, binascii.Error, ValueError) as error:
        report.failed.append(Bad("input", wish.ledger, error))
    rows = report.lines()
    if wish.json:
        print(json.dumps({"ok": not report.failed, "found": found(ledger) if ledger else None,
                          "checks": [dict(zip(("check", "result", "detail"), row)) for row in rows]}))
    else:
        for name, result, detail in rows:
            print(f"{result} {name}: {detail}")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
