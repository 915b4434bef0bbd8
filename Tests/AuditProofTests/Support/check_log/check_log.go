// Checks exported audit logs with the packages that Go's own checksum database is checked with:
// golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
//
//	check_log [-older FILE] [-proof FILE] KEY DIRECTORY...
//
// KEY is the key that signed the checkpoint; these packages know nothing of changes of keys. Prints
// one line of JSON for each directory, as verify_audit.py --json does.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// checkpoint opens a signed note and reads it as a tlog-checkpoint.
func checkpoint(data []byte, verifier note.Verifier) (tlog.Tree, error) {
	var tree tlog.Tree
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tree, fmt.Errorf("not a checkpoint of this log")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil || tree.N < 0 {
		return tree, fmt.Errorf("size")
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, fmt.Errorf("root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

// files reads tiles of an export; tlog authenticates what it gives before it uses it.
type files struct{ directory string }

func (f files) Height() int                     { return tileHeight }
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}
func (f files) path(tile tlog.Tile) string {
	// tlog has the height in its paths, tlog-tiles has not; it calls entries "data".
	path := strings.TrimPrefix(tile.Path(), "tile/8/")
	return filepath.Join(f.directory, "tile", strings.Replace(path, "data/", "entries/", 1))
}

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(f.path(tile))
		if err != nil {
			return nil, fmt.Errorf("%s: cannot be read", tile.Path())
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s: wrong length", tile.Path())
		}
		all = append(all, data)
	}
	return all, nil
}

func entries(data []byte) ([][]byte, error) {
	var all [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data)-2 < int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("cut short")
		}
		length := int(binary.BigEndian.Uint16(data))
		all = append(all, data[2:2+length])
		data = data[2+length:]
	}
	return all, nil
}

func check(directory string, verifier note.Verifier, older []byte) (int64, error) {
	data, err := os.ReadFile(filepath.Join(directory, "checkpoint"))
	if err != nil {
		return 0, err
	}
	tree, err := checkpoint(data, verifier)
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, files{directory})
	for first := int64(0); first < tree.N; first += 256 {
		width := int64(256)
		if tree.N-first < width {
			width = tree.N - first
		}
		tile := tlog.Tile{H: tileHeight, L: -1, N: first / 256, W: int(width)}
		bundle, err := os.ReadFile(files{directory}.path(tile))
		if err != nil {
			return tree.N, fmt.Errorf("%s: cannot be read", tile.Path())
		}
		records, err := entries(bundle)
		if err != nil || int64(len(records)) != width {
			return tree.N, fmt.Errorf("%s: not %d entries", tile.Path(), width)
		}
		indexes := make([]int64, width)
		for place := range indexes {
			indexes[place] = tlog.StoredHashIndex(0, first+int64(place))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return tree.N, err
		}
		for place, record := range records {
			if hashes[place] != tlog.RecordHash(record) {
				return tree.N, fmt.Errorf("entry %d", first+int64(place))
			}
		}
	}
	// Every tile there is, also those that no proof needed.
	for level, count := 0, tree.N; count > 0; level, count = level+1, count>>tileHeight {
		for first := int64(0); first < count; first += 256 {
			width := int64(256)
			if count-first < width {
				width = count - first
			}
			tile := tlog.Tile{H: tileHeight, L: level, N: first / 256, W: int(width)}
			data, err := files{directory}.ReadTiles([]tlog.Tile{tile})
			if err != nil {
				return tree.N, err
			}
			for place := 0; place < int(width); place++ {
				index := tlog.StoredHashIndex(level*tileHeight, first+int64(place))
				hashes, err := reader.ReadHashes([]int64{index})
				if err != nil {
					return tree.N, err
				}
				if !bytes.Equal(hashes[0][:], data[0][place*32:place*32+32]) {
					return tree.N, fmt.Errorf("%s: hash %d", tile.Path(), place)
				}
			}
		}
	}
	if older == nil {
		return tree.N, nil
	}
	kept, err := checkpoint(older, verifier)
	if err != nil {
		return tree.N, err
	}
	if kept.N > tree.N {
		return tree.N, fmt.Errorf("%d entries were signed earlier", kept.N)
	}
	if kept.N == 0 {
		return tree.N, nil
	}
	proof, err := tlog.ProveTree(tree.N, kept.N, reader)
	if err != nil {
		return tree.N, err
	}
	return tree.N, tlog.CheckTree(proof, tree.N, tree.Hash, kept.N, kept.Hash)
}

// checkProof reads a tlog-proof with its entry under "extra".
func checkProof(data []byte, verifier note.Verifier) error {
	head, signed, found := bytes.Cut(data, []byte("\n\n"))
	if !found {
		return fmt.Errorf("no checkpoint")
	}
	tree, err := checkpoint(signed, verifier)
	if err != nil {
		return err
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof")
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra "))
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		proof = append(proof, hash)
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

type verdict struct {
	Intact   bool     `json:"intact"`
	Size     int64    `json:"size"`
	Problems []string `json:"problems"`
}

func main() {
	olderPath := flag.String("older", "", "a checkpoint that was kept")
	proofPath := flag.String("proof", "", "a tlog-proof")
	flag.Parse()
	verifier, err := note.NewVerifier(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var older []byte
	if *olderPath != "" {
		if older, err = os.ReadFile(*olderPath); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	isIntact := true
	say := func(size int64, err error) {
		result := verdict{err == nil, size, []string{}}
		if err != nil {
			result.Problems = append(result.Problems, err.Error())
			isIntact = false
		}
		line, _ := json.Marshal(result)
		fmt.Println(string(line))
	}
	if *proofPath != "" {
		data, err := os.ReadFile(*proofPath)
		if err == nil {
			err = checkProof(data, verifier)
		}
		say(0, err)
	}
	for _, directory := range flag.Args()[1:] {
		say(check(directory, verifier, older))
	}
	if !isIntact {
		os.Exit(1)
	}
}
