#!/usr/bin/env python3
"""Prints the table of trainer/tokenizer/newer_code_points.cpp: what Oniguruma, as the `tokenizers` library has it, knows of the
general categories beyond Unicode 14. Run by a Python of Unicode 14 (3.11)."""
import unicodedata

from tokenizers import Regex, pre_tokenizers

assert unicodedata.unidata_version == "14.0.0", "Python 3.11 has the Unicode to compare with"
codes = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000 and unicodedata.category(chr(c)) == "Cn"]
text = "".join(map(chr, codes))
for category in "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So".split():
    only = pre_tokenizers.Split(Regex(rf"\p{{{category}}}+"), "removed", invert=True)
    ranges = []
    for code in sorted(ord(c) for piece, _ in only.pre_tokenize_str(text) for c in piece):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    if ranges:
        spelled = "".join(rf"\x{{{a:X}}}" + (rf"-\x{{{b:X}}}" if a != b else "") for a, b in ranges)
        print(f'    {{"{category}", R"({spelled})"}},')
