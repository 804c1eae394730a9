import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data import split_sentences

ENGLISH = [
    ["The river froze.", "Nobody crossed it!", "Would you?"],
    ["Mr. Harker met Dr. Anna Weiss at St. Mary's.", "She was late."],
    ["J. K. Moreau and P. Lindqvist wrote it.", "It sold well."],
    ["He was born to Gen. Abel Cross of Ft. Worth.", "His name was kept."],
    ["So do I.", "Then we agree."],
    ["The price rose 3.5 percent to $4.25 a share.", "Analysts shrugged."],
    ["It was 1984.", "20 men came."],
    ["See Fig. 3 and vol. 12, pp. 40-41.", "Both are wrong."],
    ["I said no.", "Then I left."],
    ["The train leaves at 5 p.m.", "The bus is later."],
    ["The U.S. Army came, as did the U.K. Navy.", "They left."],
    ["We lived in the U.S.", "It was hot."],
    ["Bring tools, e.g. Phillips screwdrivers, i.e. the good ones.", "Hurry."],
    ["Fruit, nuts, etc. were sold there.", "We bought none."],
    ["Acme Inc. and Bolt Co. merged.", "Prices fell."],
    ['"Stop." he whispered.', '"Why should I?" she asked.', '"Because!"', "He ran."],
    ["'Go home,' said Pell.", "'Now.'", "They went."],
    ["“Is it far?” the boy asked.", "“Very.”", "He sighed."],
    ["(It rained all day.)", "We stayed in [see below].", "Good."],
    ["Wait... what did he say?", "Nothing...", "Really?!"],
    ["Well… perhaps.", "Yes…", "No."],
    ["I know. . . .", "You do not."],
    ["Read example.com or mail a.b@example.org.", "Version 2.0.1 is out."],
    ["1. Wash the rice.", "2. Boil it."],
    ["(a) The first thing.", "(b) The second."],
    ["Éva left.", "Øystein stayed.", "Él no vino.", "¿Por qué?", "¡Nadie sabe!"],
    ["No full stop at the end"],
]
CHINESE = [
    ["天亮了。", "他还没走！", "你信吗？"],
    ["第一，要快；", "第二，要准。"],
    ["他说：“我不去。”", "说完就走了。"],
    ["“是！”", "“不！”", "两人同时喊道。"],
    ["（完。）", "下一章。"],
    ["「好。」", "『真的？』", "她问。"],
    ["他想了很久……", "最后点了头。"],
    ["什么？！", "不会吧！！", "唉……"],
    ["圆周率约为3.14，不是3.2。", "对。"],
    ["增长１．５倍。", "很快．", "下一句"],
    ["进行对比.", "然后采用ABAQUS.", "结果很好."],
    ["1.引言部分很短。", "2.方法很长。"],
    ["他走了。", '"你好！"', "她说。", '"再见。"'],
    ["网址是example.com。", "版本是v2.0。"],
    ["没有句号的一行"],
]


@pytest.mark.parametrize("sentences", ENGLISH, ids=lambda sentences: sentences[0][:24])
def test_english_sentences_are_found_again(sentences):
    assert split_sentences(" ".join(sentences)) == sentences


@pytest.mark.parametrize("sentences", CHINESE, ids=lambda sentences: sentences[0][:12])
def test_chinese_sentences_are_found_again(sentences):
    assert split_sentences("".join(sentences)) == sentences


def test_mixed_languages():
    text = "我读了Moby Dick。It was long. 作者是H. Melville先生。He wrote it in 1851."
    assert split_sentences(text) == [
        "我读了Moby Dick。",
        "It was long.",
        "作者是H. Melville先生。",
        "He wrote it in 1851.",
    ]


def test_a_line_end_always_ends_a_sentence():
    assert split_sentences("A title without a stop\nmr. Smith\r\n\n  came. ") == [
        "A title without a stop",
        "mr. Smith",
        "came.",
    ]


@pytest.mark.parametrize("text", ["", " \n\t\n", "　"])
def test_nothing_gives_no_sentence(text):
    assert split_sentences(text) == []


@given(st.text(alphabet=st.sampled_from("aB3 .!?…。！？；”“\"')(\n,Dr漢了"), max_size=60))
def test_nothing_but_white_space_is_lost(text):
    sentences = split_sentences(text)
    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in sentences)


@pytest.mark.parametrize("mark", ".!?…．")
def test_a_run_of_marks_takes_no_time(mark):
    began = time.perf_counter()
    assert split_sentences(mark * 50_000 + "x") == [mark * 50_000 + "x"] or mark == "…"
    assert time.perf_counter() - began < 5  # each mark tried against all that follow took minutes


def test_time_grows_with_the_length_only():
    # A quadratic rule would take minutes here.
    assert len(split_sentences('"a b.c? ' * 40_000)) == 1
    assert len(split_sentences("他说。" * 100_000)) == 100_000
