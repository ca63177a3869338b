"""Aliasing: who shares with whom, from where, and who is whom."""

from dataclasses import replace

import numpy as np

from assay.oracles.alias import alias
from assay.oracles.registry import Question
from assay.oracles.verdict import Kind

from .build import call, case, outcome, tensor


def found(eager, target):
    return list(alias.check(Question(case(), outcome(eager, target))))


def with_argument(*outputs):
    return call(*outputs, arguments=(tensor([1.0, 2.0], storage=0, identity=0),))


def out(storage, identity, offset=0, values=(1.0, 2.0)):
    return tensor(list(values), storage=storage, identity=identity, offset=offset)


def test_the_same_partition_under_other_numbers_is_the_same():
    assert not found(call(out(0, 0), out(1, 1), out(0, 2)), call(out(5, 9), out(3, 7), out(5, 8)))


def test_a_lost_alias_with_an_argument_is_reported():
    (only,) = found(with_argument(out(0, 1)), with_argument(out(1, 1)))
    assert (only.kind, only.signature) == (Kind.alias, "alias|lost|output-argument")
    assert only.detail == "shares storage with argument 0 in eager, not on the target"


def test_an_added_alias_is_reported():
    (only,) = found(with_argument(out(1, 1)), with_argument(out(0, 1)))
    assert only.signature == "alias|added|output-argument"


def test_outputs_that_no_longer_share_are_reported():
    (only,) = found(call(out(0, 0), out(0, 1)), call(out(0, 0), out(1, 1)))
    assert only.signature == "alias|lost|output-output"


def test_an_alias_with_the_wrong_partner_is_both_lost_and_added():
    eager = call(out(0, 0), out(1, 1), out(0, 2))
    target = call(out(0, 0), out(1, 1), out(1, 2))
    assert {one.signature for one in found(eager, target)} == {"alias|lost|output-output", "alias|added|output-output"}


def test_a_view_from_another_element_is_reported():
    (only,) = found(with_argument(out(0, 1, 0, [1.0])), with_argument(out(0, 1, 1, [1.0])))
    assert only.signature == "alias|offset|output-argument"


def test_where_an_allocator_puts_outputs_that_share_is_its_own_business():
    assert not found(call(out(0, 0, 0), out(0, 1, 2)), call(out(0, 0, 64), out(0, 1, 66)))


def test_a_copy_of_the_object_that_was_returned_is_reported_though_it_shares():
    (only,) = found(with_argument(out(0, 0)), with_argument(out(0, 1)))
    assert only.signature == "alias|object lost|output-argument"


def test_tensors_without_elements_share_nothing():
    empty = [out(0, 0, values=()), out(0, 1, values=())]
    assert not found(call(*empty), call(out(0, 0, values=()), out(1, 1, values=())))


def test_tensors_whose_storage_cannot_be_seen_share_nothing():
    assert not found(call(out(-1, 0), out(-1, 1)), call(out(0, 0), out(1, 1)))


def test_two_outputs_on_the_same_memory_may_become_one_object():
    assert not found(call(out(0, 0), out(0, 1)), call(out(0, 0), out(0, 0)))


def test_an_object_that_was_returned_twice_may_become_two_on_the_same_memory():
    """Autograd's own functions, as which AOTAutograd trains, hand back a tensor for each output."""
    assert not found(call(out(0, 0), out(0, 0)), call(out(0, 0), out(0, 1)))


def test_an_argument_of_whose_memory_another_is_a_view_may_come_back_as_another_object():
    shared = (tensor([1.0, 2.0], storage=0, identity=0), tensor([2.0], storage=0, identity=1, offset=1))
    assert not found(call(out(0, 0), arguments=shared), call(out(0, 2), arguments=shared))


def test_an_object_that_should_not_be_the_argument_is_reported():
    (only,) = found(with_argument(out(0, 1)), with_argument(out(0, 0)))
    assert only.signature == "alias|object added|output-argument"


def test_outputs_apart_in_one_pool_of_memory_share_nothing():
    eager = call(out(0, 0), out(1, 1), out(2, 2))
    assert not found(eager, call(out(0, 0, 0), out(0, 1, 16), out(1, 2)))
    (only,) = found(eager, call(out(0, 0, 0), out(0, 1, 16), out(0, 2, 17)))
    assert only.detail == "shares storage with output 1 on the target, not in eager"


def test_who_is_the_same_object_is_not_told_where_two_arguments_share_memory():
    def ours(identity):
        shared = (tensor([1.0], storage=7, identity=7), tensor([1.0], storage=7, identity=8))
        return call(out(0, identity), arguments=(tensor([1.0, 2.0], storage=0, identity=0), *shared))

    assert not found(ours(0), ours(1))


def test_where_a_view_starts_in_memory_that_is_laid_out_otherwise_is_not_told():
    def sides(offset, stride):
        return call(tensor([[1.0, 2.0]] * 2, storage=0, identity=0, stride=stride), out(0, 1, offset))

    assert not found(sides(1, (2, 1)), sides(2, (1, 2)))
    (only,) = found(sides(1, (2, 1)), sides(2, (2, 1)))
    assert only.signature == "alias|offset|output-output"


def column(storage, identity, offset, count=1):
    """Columns of a 2 x 3 tensor."""
    values = np.arange(2.0 * count).reshape(2, count)
    return replace(tensor(values, storage=storage, identity=identity, offset=offset), stride=(3, 1))


def test_outputs_that_have_no_element_in_common_share_nothing_however_they_interleave():
    apart = call(column(0, 0, 0), column(1, 1, 1, 2))
    together = call(column(0, 0, 0), column(0, 1, 1, 2))
    assert not found(apart, together)
    assert not found(together, apart)
    meeting = call(column(0, 0, 0, 2), column(0, 1, 1, 2))
    assert [each.signature for each in found(meeting, call(column(0, 0, 0, 2), column(1, 1, 1, 2)))] == [
        "alias|lost|output-output"
    ]
    assert [each.signature for each in found(call(column(0, 0, 0, 2), column(1, 1, 1, 2)), meeting)] == [
        "alias|added|output-output"
    ]


def test_a_part_of_an_argument_that_is_returned_shares_with_it_whatever_else_lies_there():
    given = tensor(np.ones((2, 3)), storage=0, identity=0)
    (only,) = found(
        call(column(0, 1, 2), arguments=(replace(given, stride=(3, 1)),)),
        call(column(1, 1, 2), arguments=(replace(given, stride=(3, 1)),)),
    )
    assert only.signature == "alias|lost|output-argument"
