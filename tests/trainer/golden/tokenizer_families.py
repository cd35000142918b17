"""The published tokenizer pipelines of the families that Strop trains, and texts that are hard on them.

Every pipeline is made of the `tokenizers` library's own parts, as the family's tokenizer.json spells it; the vocabulary is
trained anew, so that nothing of theirs is in here.
"""
import random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*"
          r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CJK = r"[一-龥ࠀ-一가-퟿]+"


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(use_regex, prefix=False, trim=True):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, trim_offsets=trim, use_regex=use_regex)


def special(*texts):
    return [AddedToken(text, special=True, normalized=False) for text in texts]


def plain(*texts, **options):
    return [AddedToken(text, special=False, **{"normalized": False, **options}) for text in texts]


class Family:
    def __init__(self, steps, normalizer=None, added=(), start=None, ignore_merges=False):
        self.steps, self.normalizer, self.added, self.start, self.ignore_merges = (
            steps, normalizer, list(added), start, ignore_merges)

    def train(self, texts, vocab, split=True):
        """`split` False: the vocabulary knows nothing of the pipeline's splits, and has tokens across them."""
        tokenizer = Tokenizer(models.BPE(ignore_merges=self.ignore_merges))
        if self.normalizer:
            tokenizer.normalizer = self.normalizer
        steps = pre_tokenizers.Sequence(self.steps) if len(self.steps) > 1 else self.steps[0]
        tokenizer.pre_tokenizer = steps if split else byte_level(False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
            vocab_size=vocab, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
        tokenizer.pre_tokenizer = steps
        for token in self.added:
            (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
        if self.start:
            tokenizer.post_processor = processors.Sequence([
                processors.ByteLevel(trim_offsets=False),
                processors.TemplateProcessing(single=f"{self.start} $A", special_tokens=[
                    (self.start, tokenizer.token_to_id(self.start))])])
        else:
            tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
        return tokenizer


FAMILIES = {
    "qwen": Family(
        [split(CONTRACTIONS + r"\p{N}" + REST), byte_level(False, trim=False)], normalizers.NFC(),
        special("<|endoftext|>", "<|im_start|>", "<|im_end|>")
        + plain("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<tool_call>", "</tool_call>", "<think>")),
    "llama3": Family(
        [split(CONTRACTIONS + r"\p{N}{1,3}" + REST), byte_level(False)],
        added=special("<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>"),
        start="<|begin_of_text|>", ignore_merges=True),
    "starcoder2": Family(
        [pre_tokenizers.Digits(individual_digits=True), byte_level(True)],
        added=special("<|endoftext|>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>", "<file_sep>", "<repo_name>")),
    "deepseek": Family(
        [split(r"[\r\n]"), split(r"\s?\p{L}+"), split(r"\s?\p{P}+"), split(CJK), pre_tokenizers.Digits(individual_digits=True),
         byte_level(False)], normalizers.Sequence([]),
        [AddedToken(text, special=True, normalized=True) for text in ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>")]
        + plain("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>", normalized=True) + special("<|EOT|>"),
        start="<｜begin▁of▁sentence｜>"),
    # Coder-V2 and V3: explicit letters and a `$`, which means the end of a line here.
    "deepseek2": Family(
        [split(r"[\r\n]"), split(r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-Ⴥᎀ-Ꮅ]+"),
         split(r"\s?[!-/:-~！-／：-～‘-‟　-。]+"), split(r"\s+$"), split(CJK), pre_tokenizers.Digits(individual_digits=True),
         byte_level(False)],
        added=special("<｜fim▁hole｜>", "<｜fim▁begin｜>", "<｜fim▁end｜>")),
    "mistral": Family([split(TEKKEN), byte_level(False)], added=special("<s>", "</s>", "[SUFFIX]", "[PREFIX]"), start="<s>"),
    "gpt2": Family(
        [byte_level(True, prefix=True)],
        added=special("<|endoftext|>") + [AddedToken("<mask>", special=True, lstrip=True, normalized=False)]
        + plain("<sep>", rstrip=True) + plain("\u1E0Bot", normalized=True), normalizer=normalizers.NFC()),
    # Parts that public files use and no family above does.
    "parts": Family(
        [pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(individual_digits=False),
         pre_tokenizers.Split("\t", "merged_with_next"), pre_tokenizers.Split(Regex(r"[=;]"), "merged_with_previous"),
         pre_tokenizers.Split(Regex(r"\w+|\W"), "removed", invert=True), byte_level(True)],
        added=special("<|endoftext|>")),
}

NASTY = [
    "", " ", "  ", "\n", "\r\n", "\t\t", "\0", "a", "'s", "it's IT'S don'T", "naïve", "naïve", "Å Å Å", "Å̧ Å̧",
    "가 각 가 각", "ﬁ ﬀ ½ ² Ⅷ ١٢٣ १२३", "😀👩‍👩‍👧‍👦🇩🇪", "\U0001F600\U0010FFFF\uFFFD\uFEFF", "x\u0085y\u00A0z\u180E\u200B\u2028\u3000.",
    "中文字符，标点。日本語のテキスト한국어", "1234567890 3.14159 0x1F 1e-9", "\u0300\u0301", "a\u0315\u0300\u05AE\u0062",
    "<|endoftext|>", "<|endoftext|", "<|<|endoftext|>|>", "<fim_prefix>a<fim_suffix>b<fim_middle>", "x <mask> y", "x  <sep>  \n y",
    "\u1E0Bot d\u0307ot", "<｜fim▁begin｜>x<｜fim▁hole｜>y<｜fim▁end｜>", "<｜begin▁of▁sentence｜>", "[SUFFIX]b[PREFIX]a", "<s></s>", "<|EOT|>",
    "if (a&&b) {\n\treturn x->y[0];\r\n}\n\n\n", "def f(x):\n    return x  # done\n\n\n\n    ", "   leading", "trailing   ", "tabs\t\tmid  \t x",
    "ſt K ı İ ß ẞ ǅ ʰ ª º", "a" * 300, " " * 300, "\n" * 300, "=" * 300, "中" * 200, "ab" * 200, "9" * 200, "é" * 150, "e\u0301" * 150,
    "'S'T'RE'VE'M'LL'D'ſ", "\u1E9B\u0323 \u0958 \u2126 \u212B", "\U0001D15E \U0001D1BB \U0002F800",
]

ALPHABETS = [
    lambda r: chr(r.choice([r.randrange(0x80), r.randrange(0x800), r.randrange(0xD800), r.randrange(0xE000, 0x110000)])),
    lambda r: chr(r.randrange(0x20)),
    lambda r: chr(r.randrange(0x20, 0x7F)),
    lambda r: r.choice(" \t\n\r\u00A0\u2003\u2028\u3000\u0085\u180E\u200B"),
    lambda r: r.choice("aeiouAEIOUn") + "".join(chr(r.randrange(0x300, 0x370)) for _ in range(r.randrange(4))),
    lambda r: chr(r.randrange(0xAC00, 0xD7A4)) if r.random() < .5 else chr(r.randrange(0x1100, 0x1200)),
    lambda r: chr(r.choice([r.randrange(0x4E00, 0xA000), r.randrange(0x3040, 0x3100), r.randrange(0xF900, 0xFB00)])),
    lambda r: r.choice("0123456789٠١٢३४²½Ⅷ①"),
    lambda r: r.choice(["'s", "'LL", "'ſ", "<|", "|>", "<|endoftext|>", "<fim_prefix>", "<mask>", "<sep>", "<｜fim▁hole｜>", "[SUFFIX]",
                        "\u1E0Bot", "d\u0307ot", "<s>", "<|im_start|>", "<think>", "<|begin_of_text|>"]),
    lambda r: r.choice(["fooBar", "XMLHttp", "self.", "return ", "    ", "{\n", "});\n", "//", "/*", "->", "::", "_x", "ÀÉ", "ω", "Жук"]),
]


def fuzzed(seed, longest=120):
    """One text, the same for the same seed: runs of one alphabet after the other."""
    r = random.Random(seed)
    out = []
    while len(out) < r.randrange(1, longest):
        alphabet = r.choice(ALPHABETS)
        if r.random() < .1:
            out += [alphabet(r)] * r.randrange(1, 80)
        else:
            out += [alphabet(r) for _ in range(r.randrange(1, 8))]
    return "".join(out)
