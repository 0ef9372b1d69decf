// Verifies envelopes with the DSSE package that in-toto uses, github.com/secure-systems-lab/go-securesystemslib/dsse,
// which others wrote: every key must have signed. Reads JSON from standard input; prints, as JSON, one answer for each:
// "ok" or what does not hold.
package main

import (
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"log"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

type key struct {
	ID   string `json:"keyid"`
	Data []byte `json:"public"`
}

func (k key) Verify(data, sig []byte) error {
	if len(k.Data) != ed25519.PublicKeySize || !ed25519.Verify(k.Data, data, sig) {
		return errors.New("bad signature")
	}
	return nil
}

func (k key) KeyID() (string, error)   { return k.ID, nil }
func (k key) Public() crypto.PublicKey { return ed25519.PublicKey(k.Data) }

type envelope struct {
	dsse.Envelope
	Keys []key `json:"keys"`
}

func (e envelope) verify() string {
	var keys []dsse.Verifier
	for _, k := range e.Keys {
		keys = append(keys, k)
	}
	verifier, err := dsse.NewMultiEnvelopeVerifier(len(keys), keys...)
	if err == nil {
		_, err = verifier.Verify(&e.Envelope)
	}
	if err != nil {
		return err.Error()
	}
	return "ok"
}

func main() {
	var in struct{ Envelopes []envelope }
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		log.Fatal(err)
	}
	said := struct {
		Envelopes []string `json:"envelopes"`
	}{}
	for _, e := range in.Envelopes {
		said.Envelopes = append(said.Envelopes, e.verify())
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		log.Fatal(err)
	}
}
