"""prov.py FILE: whether FILE is PROV-JSON as the W3C member submission of 24 April 2013 has it: names, relations, what they must have, literals."""
import json
import re
import sys

RELATIONS = {   # what each must name, and of what kind
    "used": {"prov:activity": "activity", "prov:entity": "entity"},
    "wasGeneratedBy": {"prov:entity": "entity", "prov:activity": "activity"},
    "wasDerivedFrom": {"prov:generatedEntity": "entity", "prov:usedEntity": "entity", "prov:activity": "activity"},
    "wasAttributedTo": {"prov:entity": "entity", "prov:agent": "agent"},
    "wasAssociatedWith": {"prov:activity": "activity", "prov:agent": "agent"},
}
NEEDED = {
    "used": ["prov:activity"], "wasGeneratedBy": ["prov:entity"], "wasDerivedFrom": ["prov:generatedEntity", "prov:usedEntity"],
    "wasAttributedTo": ["prov:entity", "prov:agent"], "wasAssociatedWith": ["prov:activity"],
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def no_duplicates(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), "a member twice"
    return dict(pairs)


def check_name(name, prefixes):
    prefix, colon, local = name.partition(":")
    assert colon and local, name
    assert prefix in prefixes or prefix in ("_", "prov", "xsd"), name
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", local), name


def check_value(value, prefixes):
    if isinstance(value, list):
        assert value
        for one in value:
            check_value(one, prefixes)
    elif isinstance(value, dict):
        assert set(value) in ({"$", "type"}, {"$", "lang"}) and isinstance(value["$"], str), value
        if value.get("type") == "xsd:QName":
            check_name(value["$"], prefixes)
        if value.get("type") == "xsd:boolean":
            assert value["$"] in ("true", "false")
        if value.get("type") == "xsd:positiveInteger":
            assert int(value["$"]) > 0
    else:
        assert isinstance(value, (str, int, float, bool)), value


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        root = json.load(file, object_pairs_hook=no_duplicates)
    prefixes = root.pop("prefix")
    assert all(re.fullmatch(r"[a-z]+", name) and re.match(r"[a-z][a-z0-9+.-]*:", uri) for name, uri in prefixes.items())
    assert set(root) <= {"entity", "activity", "agent"} | set(RELATIONS), set(root)
    for kind, things in root.items():
        assert things, kind
        for name, attributes in things.items():
            check_name(name, prefixes)
            for attribute, value in attributes.items():
                check_name(attribute, prefixes)
                check_value(value, prefixes)
            if kind not in RELATIONS:
                continue
            assert name.startswith("_:"), name
            assert all(needed in attributes for needed in NEEDED[kind]), (kind, attributes)
            for attribute, of in RELATIONS[kind].items():
                assert attribute not in attributes or attributes[attribute] in root[of], attributes[attribute]
            assert "prov:time" not in attributes or TIME.fullmatch(attributes["prov:time"])
    for one in root.get("wasDerivedFrom", {}).values():
        assert one["chama:verdict"] in ("broken", "missing", "withheld", "erased", "stated", "repeated", "proven") and one["chama:reason"]
    print(len(root["entity"]), "entities,", len(root.get("wasDerivedFrom", {})), "derivations")


main()
