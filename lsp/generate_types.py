#!/usr/bin/env python3
"""Writes types_generated.h and types_generated.cpp: the subset of the Language Server Protocol in types.list.

    lsp/generate_types.py metaModel.json            write the two files beside this script
    lsp/generate_types.py metaModel.json --check    fail if they are not what would be written

metaModel.json is the protocol's machine-readable definition, published with microsoft/vscode-languageserver-node.
Python 3 and its standard library only.
"""

import argparse
import hashlib
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
BASE = {
    "string": "std::string", "DocumentUri": "std::string", "URI": "std::string", "RegExp": "std::string",
    "boolean": "bool", "integer": "std::int32_t", "uinteger": "std::uint32_t", "decimal": "double",
}
INITIAL = {"bool": " = false", "std::int32_t": " = 0", "std::uint32_t": " = 0", "double": " = 0"}
ANY = {"LSPAny": "nlohmann::json", "LSPObject": "nlohmann::json", "LSPArray": "nlohmann::json"}
# Beside what the meta model says: fields whose meaning is easily taken wrong.
WARNINGS = {("Position", "character"): "code units of the negotiated encoding, UTF-16 by default"}
KEYWORDS = {"default", "delete", "register", "template", "operator", "namespace", "class", "union"}


class Wrong(Exception):
    """The list and the meta model do not fit; the message says where."""


class Field:
    def __init__(self, name, cpp, optional, writes_null, literal):
        self.name = name
        self.member = name + "_" if name in KEYWORDS else name
        self.cpp = cpp                  # type without std::optional
        self.optional = optional
        self.writes_null = writes_null  # the protocol demands it but allows null
        self.literal = literal          # a constant string: checked and written, not stored


class Generator:
    def __init__(self, model, listing):
        self.structures = {s["name"]: s for s in model["structures"]}
        self.enumerations = {e["name"]: e for e in model["enumerations"]}
        self.aliases = {a["name"]: a["type"] for a in model["typeAliases"]}
        self.results = {r["method"]: r["result"] for r in model["requests"]}
        listed, self.wanted_results = read_list(listing)
        self.wanted = {name: fields for name, fields in listed.items() if name not in self.aliases}
        self.wanted_aliases = [name for name in listed if name in self.aliases]
        self.used_enumerations = []
        self.ordered = []  # structures, each after those it holds
        self.fields = {}
        self.visiting = set()

    def all_properties(self, name):
        structure = self.structures[name]
        found = {}
        for parent in structure.get("extends", []) + structure.get("mixins", []):
            found.update({p["name"]: p for p in self.all_properties(parent["name"])})
        found.update({p["name"]: p for p in structure["properties"]})
        return list(found.values())

    def visit(self, name):
        if name in self.fields:
            return
        if name in self.visiting:
            raise Wrong(f"{name} holds itself; leave a field of it out")
        self.visiting.add(name)
        properties = {p["name"]: p for p in self.all_properties(name)}
        chosen = self.wanted[name]
        if chosen is None:
            chosen = [(field, False) for field in properties]
        fields = []
        for field, relaxed in chosen:
            if field not in properties:
                raise Wrong(f"{name} has no field {field}")
            fields.append(self.field(name, properties[field], relaxed))
        self.visiting.discard(name)
        self.fields[name] = fields
        self.ordered.append(name)

    def field(self, owner, prop, relaxed):
        kind = prop["type"]
        if kind["kind"] == "stringLiteral":
            return Field(prop["name"], "std::string", prop.get("optional", False) or relaxed, False, kind["value"])
        cpp, nullable = self.type_of(kind, f"{owner}.{prop['name']}")
        optional = prop.get("optional", False)
        return Field(prop["name"], cpp, optional or nullable or relaxed, nullable and not optional, None)

    def type_of(self, kind, where):
        """The C++ type and whether null is one of its values."""
        tag = kind["kind"]
        if tag == "base":
            if kind["name"] not in BASE:
                raise Wrong(f"{where}: base type {kind['name']} stands alone")
            return BASE[kind["name"]], False
        if tag == "reference":
            return self.reference(kind["name"], where)
        if tag == "array":
            return f"std::vector<{self.plain(kind['element'], where)}>", False
        if tag == "map":
            return f"std::map<{self.plain(kind['key'], where)}, {self.plain(kind['value'], where)}>", False
        if tag == "or":
            items = [i for i in kind["items"] if i != {"kind": "base", "name": "null"}]
            types = list(dict.fromkeys(self.plain(i, where) for i in items))
            nullable = len(items) < len(kind["items"])
            return (types[0] if len(types) == 1 else f"std::variant<{', '.join(types)}>"), nullable
        raise Wrong(f"{where}: no rule for a type of kind {tag}; leave the field out")

    def plain(self, kind, where):
        cpp, nullable = self.type_of(kind, where)
        return f"std::optional<{cpp}>" if nullable else cpp

    def reference(self, name, where):
        if name in ANY:
            return ANY[name], False
        if name in self.aliases:
            return self.type_of(self.aliases[name], where)
        if name in self.enumerations:
            if name not in self.used_enumerations:
                self.used_enumerations.append(name)
            return name, False
        if name not in self.wanted:
            raise Wrong(f"{where} is a {name}: list {name} in types.list, or leave the field out")
        self.visit(name)
        return name, False

    def run(self):
        for name in self.wanted:
            if name not in self.structures:
                raise Wrong(f"the meta model has no structure or type {name}")
            self.visit(name)
        self.alias_types = {name: self.plain(self.aliases[name], name) for name in self.wanted_aliases}
        self.result_types = {}
        for name, method in self.wanted_results.items():
            if method not in self.results:
                raise Wrong(f"{name}: the meta model has no request {method}")
            self.result_types[name] = (self.plain(self.results[method], name), method)

    def enumeration(self, name):
        enumeration = self.enumerations[name]
        base = BASE[enumeration["type"]["name"]]
        if base == "std::string":
            yield f"using {name} = std::string;"
            # Every language there is would be a long list of names that nothing uses.
            if len(enumeration["values"]) <= 16:
                for value in enumeration["values"]:
                    yield f"inline constexpr std::string_view k{name}{upper(value['name'])} = {quoted(value['value'])};"
            return
        yield f"// Other numbers than these are kept as they came."
        yield f"enum class {name} : {base} {{"
        for value in enumeration["values"]:
            yield f"  k{upper(value['name'])} = {value['value']},"
        yield "};"

    def structure(self, name):
        yield f"struct {name} {{"
        for field in self.fields[name]:
            if field.literal is not None:
                yield f"  // {field.name}: always {quoted(field.literal)}"
                continue
            cpp = f"std::optional<{field.cpp}>" if field.optional else field.cpp
            initial = "" if field.optional else INITIAL.get(field.cpp, "{}" if field.cpp in self.enumerations else "")
            warning = WARNINGS.get((name, field.name))
            yield f"  {cpp} {field.member}{initial};" + (f"  // {warning}" if warning else "")
        yield f"  bool operator==(const {name}&) const = default;"
        yield "};"
        yield f"void to_json(nlohmann::json& out, const {name}& value);"

    def codec(self, name):
        fields = self.fields[name]
        required = [f for f in fields if not f.optional]
        value = "value" if any(f.literal is None for f in fields) else ""
        yield "template <>"
        yield f"struct Codec<{name}> {{"
        yield "  static int fit(const json& in) {"
        tests = ["in.is_object()"]
        for field in required:
            key = quoted(field.name)
            tests.append(f"is_literal(in, {key}, {quoted(field.literal)})" if field.literal is not None else f"has(in, {key})")
        yield f"    return {' && '.join(tests)} ? {len(required)} : -1;"
        yield "  }"
        yield f"  static bool read(const json& in, {name}&{' ' + value if value else ''}, std::string& error) {{"
        calls = ["expect_object(in, error)"]
        for field in fields:
            key = quoted(field.name)
            if field.literal is not None:
                calls.append(f"read_literal(in, {key}, {quoted(field.literal)}, error)")
            else:
                calls.append(f"read_{'optional' if field.optional else 'required'}(in, {key}, value.{field.member}, error)")
        yield f"    return {' && '.join(calls)};"
        yield "  }"
        yield f"  static void write(json& out, const {name}&{' ' + value if value else ''}) {{"
        yield "    out = json::object();"
        for field in fields:
            key = quoted(field.name)
            if field.literal is not None:
                yield f"    out[{key}] = {quoted(field.literal)};"
            elif field.writes_null:
                yield f"    write_nullable(out, {key}, value.{field.member});"
            else:
                yield f"    write_{'optional' if field.optional else 'required'}(out, {key}, value.{field.member});"
        yield "  }"
        yield "};"

    def header(self, origin):
        lines = [
            "// The Language Server Protocol's structures, the subset that Strop uses (lsp/types.list).",
            "//",
            f"// Made by lsp/generate_types.py from {origin}; not to be edited.",
            "// Plain values with the protocol's own names. lsp/types.h reads them; each converts to JSON by itself.",
            "#pragma once", "", "#include <cstdint>", "#include <map>", "#include <nlohmann/json.hpp>", "#include <optional>",
            "#include <string>", "#include <string_view>", "#include <variant>", "#include <vector>", "",
            "namespace strop::lsp {",
        ]
        for name in self.used_enumerations:
            lines += ["", *self.enumeration(name)]
        for name in self.ordered:
            lines += ["", *self.structure(name)]
        for name, cpp in self.alias_types.items():
            lines += ["", f"using {name} = {cpp};"]
        for name, (cpp, method) in self.result_types.items():
            lines += ["", f"// What answers {method}.", f"using {name} = {cpp};"]
        return "\n".join(lines + ["", "}  // namespace strop::lsp", ""])

    def source(self, origin):
        lines = [
            f"// Made by lsp/generate_types.py from {origin}; not to be edited.",
            '#include "lsp/types_generated.h"', "", '#include "lsp/types_codec.h"', "", "namespace strop::lsp {", "",
            "using nlohmann::json;",
        ]
        for name in self.ordered:
            lines += ["", *self.codec(name)]
        lines.append("")
        for name in self.ordered:
            lines.append(f"void to_json(json& out, const {name}& value) {{ Codec<{name}>::write(out, value); }}")
        lines.append("")
        parsed = list(self.ordered)
        seen = set()
        for name, (cpp, _) in self.result_types.items():
            if cpp not in seen:
                parsed.append(name)
            seen.add(cpp)
        for name in parsed:
            lines.append(f"template tl::expected<{name}, std::string> parse(const json& value);")
        return "\n".join(lines + ["", "}  // namespace strop::lsp", ""])


def upper(name):
    return name[0].upper() + name[1:]


def quoted(text):
    return json.dumps(text)


def read_list(listing):
    structures, results = {}, {}
    for number, line in enumerate(listing.splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        result = re.fullmatch(r"(\w+) = result of (\S+)", line)
        structure = re.fullmatch(r"(\w+)(?::((?: \w+\??)+))?", line)
        if result:
            results[result[1]] = result[2]
        elif structure:
            if structure[1] in structures:
                raise Wrong(f"types.list:{number}: {structure[1]} stands twice")
            words = structure[2]
            structures[structure[1]] = None if words is None else [(w.rstrip("?"), w.endswith("?")) for w in words.split()]
        else:
            raise Wrong(f"types.list:{number}: neither a structure nor a result: {line}")
    return structures, results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path, help="metaModel.json of the protocol")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the files are out of date")
    arguments = parser.parse_args()
    raw = arguments.model.read_bytes()
    model = json.loads(raw)
    origin = f"metaModel.json {model['metaData']['version']} (SHA-256 {hashlib.sha256(raw).hexdigest()[:16]}…)"
    generator = Generator(model, (HERE / "types.list").read_text(encoding="utf-8"))
    generator.run()
    outdated = []
    for file, text in (("types_generated.h", generator.header(origin)), ("types_generated.cpp", generator.source(origin))):
        path = HERE / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            outdated.append(file)
            if not arguments.check:
                path.write_text(text, encoding="utf-8")
    if arguments.check and outdated:
        sys.exit(f"generate_types: out of date: {', '.join(outdated)}; run lsp/generate_types.py {arguments.model}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError, KeyError, Wrong) as error:
        sys.exit(f"generate_types: {error}")
