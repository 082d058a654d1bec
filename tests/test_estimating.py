"""Estimates of tokens, against what real tokenizers counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.services.counting import PER_MESSAGE, PER_PROMPT, estimated
from conversations.services.estimating import estimate
from conversations.types import Message

# Counted by cl100k (GPT-4), o200k (GPT-4o), Llama 3, Llama 2, tekken (Mistral Nemo) and Mistral 7B, in this order.
COUNTED = {
    "English": (
        "The harbour was quiet when the last ferry came in. Two fishermen were mending nets under a lamp, and"
        " neither looked up; they had seen ten thousand arrivals, and none of them had ever changed the price"
        " of herring. Above the town a train whistled, as it did every evening at seven.",
        (63, 63, 63, 70, 64, 67),
    ),
    "Vietnamese": (
        "Buổi sáng, bà cụ bán xôi ngồi ở đầu ngõ, gánh hàng còn bốc khói. Người đi làm dừng xe máy, mua một g"
        "ói rồi vội vã đi tiếp. Trời Hà Nội cuối thu se lạnh, lá sấu rụng đầy vỉa hè, và mùi cà phê từ quán b"
        "ên cạnh lan ra khắp con phố nhỏ.",
        (131, 85, 79, 165, 88, 152),
    ),
    "Chinese": (
        "清晨的菜市场已经很热闹了。卖豆腐的老人一边吆喝，一边把热气腾腾的豆腐切成小块。孩子们背着书包从摊位之"
        "间跑过，差点撞倒了一篮鸡蛋。雨停了，石板路上还有水光，远处的钟楼敲了七下。",
        (134, 83, 86, 157, 98, 118),
    ),
    "Japanese": (
        "駅前の小さな喫茶店では、毎朝同じ客が同じ席に座る。新聞を広げ、砂糖を二つ入れたコーヒーを飲みながら、"
        "窓の外を通る人々を眺めている。雨の日でも彼は必ず来るので、店主はもう何も聞かずに注文を出す。",
        (118, 90, 85, 122, 90, 123),
    ),
    "Korean": (
        "할머니는 매일 아침 일찍 일어나 마당을 쓸고 고양이에게 밥을 준다. 골목 끝의 빵집에서 갓"
        " 구운 냄새가 퍼지면 아이들이 하나둘 모여든다. 오늘은 장이 서는 날이라 버스가 평소보다 "
        "늦게 왔다.",
        (110, 75, 74, 166, 60, 133),
    ),
    "Russian": (
        "Поезд пришёл на станцию затемно, и на перроне не было никого, кроме дежурного с фонарём. Снег падал "
        "медленно и крупно, как будто не торопился. Из трактира пахло щами и свежим хлебом, и кто-то негромко"
        " играл на гармони.",
        (115, 73, 81, 92, 78, 96),
    ),
    "Arabic": (
        "كان السوق مزدحما في الصباح، والباعة ينادون على بضائعهم بأصوات عالية. جلس العجوز أمام دكانه يشرب الشا"
        "ي ويراقب المارة، وقال إن المطر سيأتي قبل المساء، ولم يصدقه أحد.",
        (112, 56, 65, 146, 50, 146),
    ),
    "German": (
        "Der Bäcker an der Ecke öffnet um halb sechs, und um sechs sind die Mohnbrötchen schon ausverkauft. W"
        "er später kommt, muss sich mit Roggenbrot begnügen, das allerdings, wie die Stammgäste behaupten, oh"
        "nehin das Beste im ganzen Viertel ist.",
        (76, 62, 76, 75, 63, 83),
    ),
    "Python": (
        "def merge(left: list[int], right: list[int]) -> list[int]:\n"
        '    """Both sorted lists as one."""\n'
        "    result, i, j = [], 0, 0\n"
        "    while i < len(left) and j < len(right):\n"
        "        if left[i] <= right[j]:\n"
        "            result.append(left[i])\n"
        "            i += 1\n"
        "        else:\n"
        "            result.append(right[j])\n"
        "            j += 1\n"
        "    return result + left[i:] + right[j:]\n",
        (98, 98, 98, 124, 98, 125),
    ),
}


@pytest.mark.parametrize("language", COUNTED)
def test_an_estimate_lies_between_what_tokenizers_count(language):
    text, counted = COUNTED[language]
    assert min(counted) <= estimate(text) <= max(counted) * 1.1


@pytest.mark.parametrize("language", COUNTED)
def test_no_tokenizer_counts_twice_as_many_and_most_count_little_more(language):
    text, counted = COUNTED[language]
    counted = sorted(counted)
    assert max(counted) < 2 * estimate(text)
    assert counted[3] < 1.3 * estimate(text)


def test_digits_count_one_by_one_as_with_most_tokenizers():
    assert estimate("2026") == 4


def test_an_emoji_is_several_tokens():
    assert estimate("🎉") > 2


@given(st.text(), st.text())
def test_two_texts_have_together_what_each_has(one, other):
    assert estimate(one + other) == pytest.approx(estimate(one) + estimate(other))


@given(st.text(min_size=1))
def test_every_text_has_tokens(text):
    assert estimate(text) > 0


def test_a_prompt_has_more_than_its_texts():
    messages = [Message("system", "Be brief."), Message("user", "Hi")]
    assert estimated(messages) == PER_PROMPT + 2 * PER_MESSAGE + estimate("Be brief.Hi")
