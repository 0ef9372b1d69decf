// Verifies checkpoints, receipts and consistency proofs with the Go project's own packages, which others wrote:
// golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog. Reads JSON from standard input, prints "ok" or what
// does not hold.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type receipt struct {
	Entry []byte // a JSON string in base64
	Proof string // a C2SP .tlog-proof
}

type consistency struct {
	Old, New string   // checkpoints
	Proof    [][]byte // hashes
}

type input struct {
	Vkey        string
	Receipts    []receipt
	Consistency []consistency
}

func hash(text string) (h tlog.Hash, err error) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(raw) != tlog.HashSize {
		err = fmt.Errorf("a hash of %d bytes", len(raw))
	}
	copy(h[:], raw)
	return h, err
}

func checkpoint(text, vkey string) (size int64, root tlog.Hash, err error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return
	}
	n, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return 0, root, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), n.Text)
	}
	size, err = strconv.ParseInt(lines[1], 10, 64)
	if err == nil {
		root, err = hash(lines[2])
	}
	return
}

func (r receipt) verify(vkey string) error {
	head, signed, found := strings.Cut(r.Proof, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		h, err := hash(line)
		if err != nil {
			return err
		}
		proof = append(proof, h)
	}
	size, root, err := checkpoint(signed, vkey)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(r.Entry))
}

func (c consistency) verify(vkey string) error {
	oldSize, oldRoot, err := checkpoint(c.Old, vkey)
	if err != nil {
		return err
	}
	newSize, newRoot, err := checkpoint(c.New, vkey)
	if err != nil {
		return err
	}
	var proof tlog.TreeProof
	for _, raw := range c.Proof {
		var h tlog.Hash
		copy(h[:], raw)
		proof = append(proof, h)
	}
	return tlog.CheckTree(proof, newSize, newRoot, oldSize, oldRoot)
}

func main() {
	var in input
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	bad := 0
	say := func(what string, n int, err error) {
		if err != nil {
			fmt.Printf("%s %d: %v\n", what, n, err)
			bad++
		}
	}
	for i, r := range in.Receipts {
		say("receipt", i, r.verify(in.Vkey))
	}
	for i, c := range in.Consistency {
		say("consistency", i, c.verify(in.Vkey))
	}
	if bad > 0 {
		os.Exit(1)
	}
	fmt.Printf("ok %d %d\n", len(in.Receipts), len(in.Consistency))
}
