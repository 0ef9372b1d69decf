"""Every kind of event, built by its name: event("issued", number=..., lines=[{...}])."""
import manifest_pb2 as m

ROLES = {name[len("ROLE_"):].lower(): number for name, number in m.Role.items()}
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def event(kind, /, **fields):
    field = m.Event.DESCRIPTOR.fields_by_name[kind]
    body = getattr(m, field.message_type.name)(**fields)
    made = m.Event()
    getattr(made, kind).CopyFrom(body)
    return made


def credit_code(seventeen):
    """GB 32100-2015: the 18th character checks the other 17."""
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(seventeen))
    return seventeen + ALPHABET[-total % 31]


def party(serial, site=1):
    """Reference of an invented company of Shenyang."""
    return m.PartyRef(credit_code=credit_code(f"91210100{serial:09d}"), site=site)
