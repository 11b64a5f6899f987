// Checks an exported tile folder with the Go team's own code (golang.org/x/mod sumdb/note and
// sumdb/tlog), which nobody here wrote: the signed checkpoint, every hash tile, every leaf, and the
// consistency of every earlier size with the signed one.
//
// usage: strangers FOLDER VKEY
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// folder reads hash tiles; C2SP tlog-tiles leaves the height out of the path.
type folder struct{ root string }

func (f folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(f.root, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func check(root, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(root, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	var tree tlog.Tree
	if _, err := fmt.Sscan(lines[1], &tree.N); err != nil {
		return err
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, folder{root})
	for first := int64(0); first < tree.N; first += 256 {
		width := min(256, tree.N-first)
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		if err := checkBundle(bundle, first, width, tree, hashes); err != nil {
			return err
		}
	}
	for old := int64(1); old < tree.N; old++ {
		oldHash, err := tlog.TreeHash(old, hashes)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, old, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, old, oldHash); err != nil {
			return fmt.Errorf("size %d: %w", old, err)
		}
	}
	fmt.Printf("%s: %d entries, every leaf and every earlier size agree with the signed root\n", lines[0], tree.N)
	return nil
}

func checkBundle(bundle []byte, first, width int64, tree tlog.Tree, hashes tlog.HashReader) error {
	for index := first; index < first+width; index++ {
		if len(bundle) < 2 {
			return fmt.Errorf("entry %d: the bundle ends early", index)
		}
		length := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+length {
			return fmt.Errorf("entry %d: the bundle ends early", index)
		}
		leaf := bundle[2 : 2+length]
		bundle = bundle[2+length:]
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(leaf)); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	if len(bundle) != 0 {
		return fmt.Errorf("bytes after entry %d", first+width-1)
	}
	return nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: strangers FOLDER VKEY")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
