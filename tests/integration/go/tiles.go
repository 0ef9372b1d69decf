// Reads a log over HTTP with golang.org/x/mod, which this project did not write: the checkpoint's signature, tiles
// checked against its root, a proof of every record, and a proof from every earlier size.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run tiles.go URL VKEY [SPOILT]
//
// Of what is below the path SPOILT, one bit is changed on its way: that must not pass.
package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type reader struct{ url, spoilt string }

func (r reader) get(path string) []byte {
	answer, err := http.Get(r.url + path)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 {
		log.Fatalf("%s: %s %v", path, answer.Status, err)
	}
	if r.spoilt != "" && strings.HasPrefix(path, r.spoilt) {
		body[len(body)/2] ^= 1
	}
	return body
}

func (r reader) Height() int { return height }

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

// x/mod's paths have the height in front, tlog-tiles' do not.
func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
		data = append(data, r.get("/tile/"+path))
	}
	return data, nil
}

func main() {
	r := reader{url: os.Args[1]}
	if len(os.Args) > 3 {
		r.spoilt = os.Args[3]
	}
	verifier, err := note.NewVerifier(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	opened, err := note.Open(r.get("/checkpoint"), note.VerifierList(verifier))
	if err != nil {
		log.Fatal(err)
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || lines[0] != verifier.Name() || len(lines) != 4 {
		log.Fatalf("checkpoint %q: %v", opened.Text, err)
	}
	tree := tlog.Tree{N: size}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || copy(tree.Hash[:], root) != tlog.HashSize {
		log.Fatalf("root %q: %v", lines[2], err)
	}
	// Every tile that this reader fetches is checked against the root.
	hashes := tlog.TileHashReader(tree, r)
	for i := int64(0); i < size; i++ {
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
		if err != nil {
			log.Fatal(err)
		}
		proof, err := tlog.ProveRecord(size, i, hashes)
		if err != nil {
			log.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, tree.Hash, i, leaf[0]); err != nil {
			log.Fatalf("record %d: %v", i, err)
		}
		if i%17 != 0 || i == 0 {
			continue
		}
		before, err := tlog.TreeHash(i, hashes)
		if err != nil {
			log.Fatal(err)
		}
		between, err := tlog.ProveTree(size, i, hashes)
		if err != nil {
			log.Fatal(err)
		}
		if err := tlog.CheckTree(between, size, tree.Hash, i, before); err != nil {
			log.Fatalf("size %d: %v", i, err)
		}
	}
	fmt.Println(size)
}
