"""A client of the hazardous waste manifest log, written from proto/README.md alone.

It shares no line with the server or with libmanifest: what both accept is what the protocol says. Modules: merkle and
note check proofs and checkpoints, dsse signs, device remembers what a key must remember, connection talks, events
builds the kinds, trail follows one manifest through its life.
"""
from .connection import Connection, ConnectionEnded, Refused
from .device import Device
from .dsse import Key, event_id, pae, seal
from .events import ROLES, credit_code, event, party
from .note import Checkpoint, Log, parse_proof
from .trail import Trail

__all__ = ["Checkpoint", "Connection", "ConnectionEnded", "Device", "Key", "Log", "ROLES", "Refused", "Trail",
           "credit_code", "event", "event_id", "pae", "parse_proof", "party", "seal"]
