#pragma once
// The question that a store answers, put again in another way.

#include <cstdint>
#include <vector>

#include "config/decompose_options.hpp"
#include "job/problem.hpp"
#include "store/store_reader.hpp"

namespace explaind {

/// Throws DataError that says which checkpoint, or what else, is another one than the store was
/// made from. asked: the store's question, put to what was named now.
void require_same_inputs(const StoreReader& store, const Problem& asked);

/// The options of `asked` in fp64 and by another rule: Gauss with as many nodes as adaptive
/// quadrature took at most, or, where the integrand has kinks, adaptive at a tenth of the
/// tolerance. What was asked stays: a fixed rule, and the precision of a run's training axis.
/// most_nodes: of the pairs that are computed again.
DecomposeOptions put_otherwise(const Problem& asked, int64_t most_nodes);

/// Of `count` places a share, at least one, chosen by the seed: ascending. The same on every
/// machine.
std::vector<int64_t> chosen_places(int64_t count, double share, uint64_t seed);

/// "10%" → 0.1. Throws UsageError for anything but more than 0 and at most 100 percent.
double parse_share(const std::string& text);

}  // namespace explaind
