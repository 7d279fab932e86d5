"""Two parameters under one code make a name that cannot be read."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from tg.common.delivery.naming import shortest_prefixes

WORDS = st.sampled_from(["learning", "lead", "loss", "rate", "ratio", "l", "r", "1", "2", "size"])
KEYS = st.lists(WORDS, min_size=1, max_size=3).map("_".join) | st.text(
    alphabet="abAB_12é", min_size=1, max_size=4
)


def test_initials_where_they_suffice():
    assert shortest_prefixes(["learning_rate", "network_size"]) == {
        "learning_rate": "LR",
        "network_size": "NS",
    }


def test_only_the_parameters_that_share_initials_get_longer_codes():
    codes = shortest_prefixes(["learning_rate", "loss_ratio", "batch_size", "l_r"])
    assert codes == {
        "learning_rate": "LeR",
        "loss_ratio": "LoR",
        "batch_size": "BS",
        "l_r": "LR",
    }


def test_a_number_at_the_end_of_a_name_does_not_run_into_the_value():
    assert shortest_prefixes(["l1", "l2"]) == {"l1": "L1x", "l2": "L2x"}


@given(st.lists(KEYS, unique=True, max_size=8), st.randoms(use_true_random=False))
def test_codes_differ_in_more_than_case_and_do_not_depend_on_the_order(keys, random):
    codes = shortest_prefixes(keys)
    assert len({code.lower() for code in codes.values()}) == len(keys)
    assert all(code.isascii() and code.isalnum() for code in codes.values())
    assert all(code[0].isupper() and code[-1].isalpha() for code in codes.values())
    shuffled = list(keys)
    random.shuffle(shuffled)
    assert shortest_prefixes(shuffled) == codes


def test_no_code_could_be_shorter():
    words = ["rate", "ratio", "range"]
    for first, second in itertools.combinations(words, 2):
        codes = shortest_prefixes([first, second])
        common = len([1 for a, b in zip(first, second, strict=False) if a == b])
        assert all(len(code) <= common + 1 for code in codes.values())
