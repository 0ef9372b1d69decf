"""Questions that many tests ask."""
import manifest_pb2 as m


def state(connection, number):
    found, = connection.query(search={"numbers": [number]})
    return found


def flags(connection, **what):
    """All flags, page by page."""
    found = []
    after = 0
    while True:
        found += connection.query(flags=dict(what, after=after, limit=500))
        after = connection.next
        if after == 0:
            return found


def flags_of(connection, number):
    return [f for f in flags(connection) if f.number == number]


def name_of(flag):
    return m.FlagKind.Name(flag.kind)[len("FLAG_KIND_"):]


def open_kinds(connection, number):
    return sorted(name_of(f) for f in flags_of(connection, number) if f.open)


def kinds_of(message):
    return [f.name for f in message.DESCRIPTOR.oneofs_by_name["kind"].fields]
