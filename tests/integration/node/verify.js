// Verifies receipts and envelopes with the npm package @sigstore/verify, which others wrote: the checkpoint's signature
// and the inclusion proof as those of an entry of a transparency log, each signature of an envelope as DSSE.
// Reads JSON from standard input; prints, as JSON, one answer for each: "ok" or what does not hold.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const { verifyTLogTimestamp } = require('@sigstore/verify/dist/timestamp');
const { DSSESignatureContent } = require('@sigstore/verify/dist/bundle/dsse');

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');

function publicKey(raw)
{
	return crypto.createPublicKey({ key: Buffer.concat([ED25519_SPKI, raw]), format: 'der', type: 'spki' });
}

// A log as sigstore knows one: the key's id, the key, and when it is good.
function logOf(vkey)
{
	const [, id, key] = vkey.split(/\+([0-9a-f]{8})\+/);
	return {
		logID: Buffer.from(id, 'hex'),
		publicKey: publicKey(Buffer.from(key, 'base64').subarray(1)),
		validFor: { start: new Date(0), end: new Date(8640000000000000) },
	};
}

// A C2SP .tlog-proof and its entry, in the shape that sigstore reads.
function entryOf(log, receipt)
{
	const split = receipt.proof.indexOf('\n\n');
	const [, index, ...hashes] = receipt.proof.slice(0, split).split('\n');
	const envelope = receipt.proof.slice(split + 2);
	const [, size, root] = envelope.split('\n');
	return {
		logId: { keyId: log.logID },
		integratedTime: '1700000000',
		canonicalizedBody: Buffer.from(receipt.entry, 'base64'),
		inclusionProof: {
			logIndex: index.slice('index '.length),
			treeSize: size,
			rootHash: Buffer.from(root, 'base64'),
			hashes: hashes.map((h) => Buffer.from(h, 'base64')),
			checkpoint: { envelope },
		},
	};
}

function verifyEnvelope(e)
{
	e.signatures.forEach((s, i) => {
		const content = new DSSESignatureContent({
			payloadType: e.payloadType,
			payload: Buffer.from(e.payload, 'base64'),
			signatures: [{ keyid: s.keyid, sig: Buffer.from(s.sig, 'base64') }],
		});
		if (!content.verifySignature(publicKey(Buffer.from(e.keys[i].public, 'base64'))))
			throw new Error(`signature ${i}`);
	});
}

function said(check)
{
	try {
		check();
		return 'ok';
	} catch (e) {
		return e.message;
	}
}

const input = JSON.parse(fs.readFileSync(0, 'utf8'));
const log = input.vkey && logOf(input.vkey);
console.log(JSON.stringify({
	receipts: (input.receipts || []).map((r) => said(() => verifyTLogTimestamp(entryOf(log, r), [log]))),
	envelopes: (input.envelopes || []).map((e) => said(() => verifyEnvelope(e))),
}));
