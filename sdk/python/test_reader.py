"""Tests of the second reader: `python -m unittest discover -s sdk/python` (or run this file)."""

import base64
import contextlib
import functools
import io
import json
import pathlib
import random
import shutil
import tempfile
import unittest

import lian_reader as reader

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "ledger-data/golden/engine-1"
EXPECTED = ROOT / "ledger-data/golden/engine-1.expected.json"
SEGMENT = "segments/000000.seg"

# The same signatures are looked at for every flipped byte; a cache changes no answer.
reader.signature_is_good = functools.cache(reader.signature_is_good)


def run(*arguments):
    """The reader's exit code and output."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = reader.main([str(a) for a in arguments])
    return code, out.getvalue()


class Golden(unittest.TestCase):
    """The golden ledger, whole and damaged."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        shutil.copytree(GOLDEN, self.folder, dirs_exist_ok=True)

    def test_passes_and_holds_what_is_expected(self):
        code, out = run(GOLDEN, "--expect", EXPECTED)
        self.assertEqual(code, 0, out)
        self.assertIn("PASS expect streams", out)
        code, out = run(GOLDEN, "--expect", EXPECTED, "--json")
        self.assertTrue(json.loads(out)["ok"])

    def test_another_expectation_fails(self):
        expected = json.loads(EXPECTED.read_text())
        for name in expected:
            other = self.folder / "expected.json"
            other.write_text(json.dumps({**expected, name: None}))
            code, out = run(GOLDEN, "--expect", other)
            self.assertEqual((code, f"FAIL expect {name}" in out), (1, True), out)

    def test_every_flipped_byte_is_found(self):
        data = (GOLDEN / SEGMENT).read_bytes()
        dice = random.Random(20261123)
        for offset in dice.sample(range(len(data)), 200):
            flipped = bytearray(data)
            flipped[offset] ^= 1 << dice.randrange(8)
            (self.folder / SEGMENT).write_bytes(flipped)
            code, out = run(self.folder)
            self.assertEqual((code, "FAIL input" in out), (1, False), f"offset {offset}: {out}")

    def test_cut_and_lengthened_segments_are_found(self):
        data = (GOLDEN / SEGMENT).read_bytes()
        for wrong in (b"", data[:-1], data[:1000], data + b"\1", data + bytes(100) + b"\1", data[:-400]):
            (self.folder / SEGMENT).write_bytes(wrong)
            self.assertEqual(run(self.folder)[0], 1, len(wrong))
        (self.folder / SEGMENT).write_bytes(data + bytes(4096))
        self.assertEqual(run(self.folder)[0], 0, "zeros may follow the last commit frame")
        (self.folder / "segments/000001.seg").write_bytes(bytes(4096))
        self.assertEqual(run(self.folder)[0], 0, "a segment may be prepared")
        (self.folder / "segments/000003.seg").write_bytes(bytes(4096))
        self.assertEqual(run(self.folder)[0], 1, "a number is missing")

    def test_a_key_that_is_not_the_logs_fails(self):
        public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        name = "customs.example/2026"
        vkey = f"{name}+{reader.note_key_id(name, 1, public).hex()}+{base64.b64encode(bytes([1]) + public).decode()}"
        code, out = run(GOLDEN, "--log-key", vkey)
        self.assertEqual((code, "FAIL commit" in out), (1, True), out)

    def test_receipts(self):
        leaves, judge = [], reader.judge_entry

        def keep(ledger, entry, *rest):
            leaves.append((entry["leaf"], entry["payload"]))
            judge(ledger, entry, *rest)

        reader.judge_entry = keep
        self.addCleanup(setattr, reader, "judge_entry", judge)
        options = {}
        reader.read_ledger(str(GOLDEN), options, reader.Report())
        hashes = [reader.leaf_hash(leaf) for leaf, _ in leaves]

        def root(part):
            tree = reader.Tree()
            for hash_ in part:
                tree.add(hash_)
            return tree.root()

        def path(index, part):
            if len(part) == 1:
                return []
            k = 1 << (len(part) - 1).bit_length() - 1
            if index < k:
                return path(index, part[:k]) + [root(part[k:])]
            return path(index - k, part[k:]) + [root(part[:k])]

        def receipt(index):
            leaf, payload = leaves[index]
            extra = reader.u16(len(leaf)) + leaf + len(payload).to_bytes(4, "big") + payload
            lines = ["c2sp.org/tlog-proof@v1", "extra " + base64.b64encode(extra).decode(), f"index {index}"]
            lines += [base64.b64encode(h).decode() for h in path(index, hashes)]
            return ("\n".join(lines) + "\n\n").encode() + (GOLDEN / "checkpoint").read_bytes()

        for index in range(len(leaves)):
            self.assertEqual(reader.check_receipt(receipt(index), options["log_key"]), (index, len(leaves)))
        good, dice = receipt(39), random.Random(5)
        for offset in dice.sample(range(len(good)), 200):
            bad = bytearray(good)
            bad[offset] ^= 1 << dice.randrange(7)
            with self.assertRaises((ValueError, reader.Bad), msg=f"offset {offset}"):
                reader.check_receipt(bytes(bad), options["log_key"])
        (self.folder / "39.tlog-proof").write_bytes(good)
        self.assertEqual(run(GOLDEN, "--receipt", self.folder / "39.tlog-proof")[0], 0)
        (self.folder / "39.tlog-proof").write_bytes(good.replace(b"index 39", b"index 38"))
        self.assertEqual(run(GOLDEN, "--receipt", self.folder / "39.tlog-proof")[0], 1)


class Json(unittest.TestCase):
    """The one spelling."""

    def test_refused(self):
        nested = lambda n: b"[" * n + b"]" * n
        cases = [
            b"", b" 1", b"1 ", b"\xef\xbb\xbf1", b"[1, 2]", b'{"a" :1}', b'{"a": 1}', b"[1,]", b"[,1]", b'{"a":1,}', b"[1",
            b'{"b":1,"a":2}', b'{"a":1,"a":2}', b"{a:1}", b"{1:1}", b'{"\\"":1}', b'{"\\u0061":1}', '{"\u00e9":1}'.encode(),
            b"01", b"-0", b"-", b"+1", b"1.0", b"1e3", b"1E3", b"9007199254740992", b"-9007199254740992", b"9" * 400,
            b'"\\n"', b'"\\/"', b'"\\u0041"', b'"\\ud800"', b'"\t"', b'"\x00"', b'"\x7f"', '"\u0085"'.encode(),
            b'"\xff"', b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"abc', b'"abc\\', b"'a'",
            b"True", b"nul", b"NaN", b"truefalse", b"1,2", b"{}{}", nested(17), b'"' + b"x" * 4097 + b'"', b'"' + b'\\"' * 2049 + b'"',
            b"[" + b"1," * 4096 + b"1]", b"{" + b",".join(b'"%03d":1' % i for i in range(65)) + b"}",
        ]
        for case in cases:
            with self.assertRaises(ValueError, msg=case[:60]):
                reader.read_json(case)

    def test_taken_and_written_again(self):
        cases = [
            b"0", b"-1", b"9007199254740991", b"-9007199254740991", b"true", b"null", b"{}", b"[]", b'""',
            b'{"a":1,"b":[1,{"c":null}]}', b'{"A":1,"a":2}', b'{"":1," ":2}', b'"\\"\\\\/"', '"進口 \u00a0 \U0001f600"'.encode(),
            b"[" * 16 + b"]" * 16, b'"' + b"x" * 4096 + b'"', b'"' + b'\\"' * 2048 + b'"', b"[" + b"1," * 4095 + b"1]",
        ]
        for case in cases:
            self.assertEqual(reader.write_json(reader.read_json(case)), case)


class KnownAnswers(unittest.TestCase):
    """Values that SPEC.md prints."""

    def test_periods(self):
        for day, end in (("2026-01-15", "2026-07-15"), ("2026-02-28", "2026-08-31"), ("2025-08-30", "2026-02-28"),
                         ("2025-08-31", "2026-02-28"), ("2026-06-30", "2026-12-31")):
            self.assertEqual(reader.months_end(day, 6), end)
        self.assertEqual(reader.plus_days("2026-11-23", 14), "2026-12-07")

    def test_moments(self):
        self.assertEqual(reader.read_moment("1970-01-01T08:00:00+08:00"), 0)
        for bad in ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00-00:00", "1970-02-30T00:00:00+00:00",
                    "1970-01-01T24:00:00+00:00", "1970-01-01T00:00:60+00:00", "1970-01-01T00:00:00+14:01",
                    "0000-01-01T00:00:00+00:00", "1970-01-01T00:00:00.5+00:00", "1970-01-01 00:00:00+00:00"):
            self.assertFalse(reader.is_moment(bad), bad)

    def test_map(self):
        key = lambda name: reader.sha256(b"lian/stream/v1\n", name)
        acc = reader.sha256(b"\x05", reader.ZEROS, reader.u64(7), reader.leaf_hash(b""))
        value = reader.sha256(b"\x04", reader.u64(1), reader.u64(1), acc, reader.ZEROS)
        pairs = sorted((key(name), value) for name in (b"guarantee/FB-115-000123", b"actor/bank:004"))
        self.assertEqual(reader.map_root([]), reader.ZEROS)
        self.assertEqual(reader.map_root(pairs).hex(), "46460100803168b2298971561b0f974b4ef71b4aed8de57a2ea1de78fb084ef2")

    def test_request_of_the_vector(self):
        data = (b'{"bank":"004","branch":"0107","debtor":"12345675","from":"2026-01-01","kind":"independent",'
                b'"limit":10000000,"no":"FB-115-000123","purpose":"importer","scope":"all","to":"2026-12-31"}')
        self.assertTrue(reader.KINDS["guarantee.requested"][3](reader.read_json(data)))
        self.assertEqual(reader.sha256(b"lian/terms/v1\n", data).hex(),
                         "b37101c269f9d22ab6f81d80031e93e2bca8441f848bce2d3e46c0b88a5f047e")

    def test_edge_cases_of_ed25519(self):
        """Every flagged vector is refused, the other 43 are taken, one of them under a key that may be enrolled."""
        taken, enrolled, key = 0, [], b""
        for line in (ROOT / "tests/vectors/ed25519/vectors.txt").read_text().splitlines():
            words = line.split()
            if words[0] == "key":
                key = bytes.fromhex(words[1])
                continue
            message = b"ed25519vectors" + (b"" if words[2] == "-" else b" " + words[2].encode())
            good = reader.signature_is_good(key, message, bytes.fromhex(words[1]))
            self.assertEqual(good, not int(words[3], 16) & 0xCF, line)
            taken += good
            enrolled += [words[0]] if good and reader.key_is_good(key) else []
        self.assertEqual((taken, enrolled), (43, ["305"]))


if __name__ == "__main__":
    unittest.main()
