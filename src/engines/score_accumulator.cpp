#include "engines/score_accumulator.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <utility>

#include "kernels/contract.hpp"

namespace explaind {
namespace {

/// Bytes of contractions that may wait to be added up.
constexpr int64_t most_pending = int64_t{64} << 20;

int64_t bytes_of(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
}

}  // namespace

ScoreAccumulator::ScoreAccumulator(const ComponentTable& table, const ScoreRoom& room,
                                   const Device& device)
    : table_(table),
      samples_(room.samples),
      positions_(room.positions),
      tensors_(static_cast<int64_t>(table.parameters().size())),
      accumulators_(room.accumulators),
      keep_scores_(room.keep_scores),
      contraction_(device) {
  for (int64_t i = 0; i < tensors_; ++i) {
    first_use_.push_back(places_.size());
    for (int use = 0; use < table.parameters()[static_cast<size_t>(i)].uses; ++use) {
      add_place(table.slot(i));
    }
  }
  first_use_.push_back(places_.size());
  stride_ = std::max<int64_t>(positions_, 1) * width_;
  if (keep_scores_) {
    const auto size = static_cast<size_t>(accumulators_ * samples_ * stride_);
    sums_.assign(size, 0.0);
    round_.assign(size, 0.0);
  }
  ScoreRoom of_direction = room;
  of_direction.keep_scores = true;
  of_direction.directions = 0;
  for (int64_t i = 0; i < room.directions; ++i) {
    directions_.emplace_back(table, of_direction, device);
  }
}

void ScoreAccumulator::add_place(const ParameterSlot& slot) {
  places_.push_back({.first = width_, .count = slot.count, .division = slot.division});
  width_ += slot.count;
}

const ScoreAccumulator::Place& ScoreAccumulator::place(int64_t parameter, bool last_use) const {
  const auto i = static_cast<size_t>(parameter);
  return places_[last_use ? first_use_[i + 1] - 1 : first_use_[i]];
}

void ScoreAccumulator::begin_round(const std::vector<Ask>& asks) {
  asks_ = &asks;
  functionals_.assign(asks.size(), {});
  values_.assign(asks.size(), {});
  for (size_t i = 0; i < asks.size(); ++i) {
    functionals_[i].assign(asks[i].samples.size(), 0.0);
    if (!asks[i].value_only) {
      values_[i].assign(asks[i].samples.size() * static_cast<size_t>(tensors_), 0.0);
    }
  }
  std::fill(round_.begin(), round_.end(), 0.0);
  for (ScoreAccumulator& direction : directions_) direction.begin_round(asks);
}

void ScoreAccumulator::end_round() {
  settle();
  for (size_t i = 0; i < sums_.size(); ++i) sums_[i] += round_[i];
  asks_ = nullptr;
  for (ScoreAccumulator& direction : directions_) direction.end_round();
}

RoundRow ScoreAccumulator::row(size_t ask, size_t row) {
  const auto tensors = static_cast<size_t>(tensors_);
  std::vector<double>& values = values_[ask];
  return {&functionals_[ask][row],
          values.empty() ? std::span<double>() : std::span(values).subspan(row * tensors, tensors)};
}

void ScoreAccumulator::begin_evaluation(Members members) {
  for (ScoreAccumulator& direction : directions_) direction.begin_evaluation(members);
  std::vector<int64_t> lengths;
  for (const Member& member : members) lengths.push_back(member.length);
  contraction_.set_lengths(std::move(lengths));
  members_ = std::make_shared<const Members>(std::move(members));
}

void ScoreAccumulator::set_functional(std::span<const double> values) {
  for (size_t b = 0; b < values.size(); ++b) {
    const Member& member = (*members_)[b];
    if (!member.counted) continue;
    double& functional = functionals_[member.ask][static_cast<size_t>(member.row)];
    functional = member.further ? functional + values[b] : values[b];
  }
}

double& ScoreAccumulator::value(const Member& member, int64_t parameter) {
  return values_[member.ask][static_cast<size_t>(member.row * tensors_ + parameter)];
}

bool ScoreAccumulator::fed(const Member& member) const {
  if (!keep_scores_ || !member.counted) return false;
  const auto weights = (*asks_)[member.ask].weights_of(member.row);
  return std::any_of(weights.begin(), weights.end(), [](double weight) { return weight != 0; });
}

void ScoreAccumulator::add(int64_t parameter, const at::Tensor& delta, const at::Tensor& z) {
  contract(parameter, 0, delta, z, nullptr);
}

void ScoreAccumulator::add_slice(int64_t parameter, int64_t first_row, const at::Tensor& delta,
                                 const at::Tensor& z, SliceSums& sums) {
  sums.whole.resize(static_cast<size_t>(delta.size(0)), 0.0);
  if (keeps_positions()) {
    sums.positions.resize(static_cast<size_t>(delta.size(0) * delta.size(1)), 0.0);
  }
  contract(parameter, first_row, delta, z, &sums);
}

void ScoreAccumulator::contract(int64_t parameter, int64_t first_row, const at::Tensor& delta,
                                const at::Tensor& z, SliceSums* slices) {
  const Place& into = place(parameter);
  const bool rows = into.division == Division::rows;
  const Kept kept{.division = into.division,
                  .count = rows ? delta.size(2) : into.count,
                  .positions = keeps_positions(),
                  .parts = std::any_of(members_->begin(), members_->end(),
                                       [&](const Member& member) { return fed(member); })};
  queue({.members = members_,
         .parameter = parameter,
         .first_row = first_row,
         .sums = contraction_(delta.contiguous(), z.contiguous(), kept),
         .slices = slices,
         .ids = {},
         .by_position = {}});
}

void ScoreAccumulator::add_embedding(int64_t parameter, const at::Tensor& ids,
                                     const at::Tensor& delta, const at::Tensor& z) {
  queue({.members = members_,
         .parameter = parameter,
         .sums = {},
         .ids = ids.contiguous(),
         .by_position = contraction_.by_position(delta.contiguous(), z.contiguous())});
}

void ScoreAccumulator::queue(Pending pending) {
  pending_bytes_ +=
      bytes_of(pending.sums.whole) + bytes_of(pending.sums.parts) + bytes_of(pending.by_position);
  pending_.push_back(std::move(pending));
  if (!contraction_.device().is_cuda() || pending_bytes_ > most_pending) settle();
}

void ScoreAccumulator::settle() {
  if (pending_.empty()) return;
  contraction_.device().synchronize();
  for (const Pending& each : pending_) {
    if (each.ids.defined()) {
      fold_embedding(each);
    } else {
      fold(each);
    }
  }
  pending_.clear();
  pending_bytes_ = 0;
}

void ScoreAccumulator::fold(const Pending& pending) {
  const Place& into = place(pending.parameter);
  const double* whole = pending.sums.whole.const_data_ptr<double>();
  const at::Tensor& parts = pending.sums.parts;
  for (size_t b = 0; b < pending.members->size(); ++b) {
    const Member& member = (*pending.members)[b];
    if (!member.counted) continue;
    SliceSums* slices = pending.slices;
    (slices == nullptr ? value(member, pending.parameter) : slices->whole[b]) += whole[b];
    if (!fed(member)) continue;
    const bool shared = slices != nullptr && into.division == Division::whole;
    if (!parts.defined()) {
      if (!shared) add_parts(member, into.first, 1, 1, whole + b);
      continue;
    }
    const int64_t positions = keeps_positions() ? parts.size(1) : 1, count = parts.size(-1);
    const double* of_member =
        parts.const_data_ptr<double>() + static_cast<int64_t>(b) * positions * count;
    if (shared) {
      double* sums = slices->positions.data() + static_cast<int64_t>(b) * positions;
      for (int64_t t = 0; t < member.length; ++t) sums[t] += of_member[t];
    } else {
      add_parts(member, into.first + pending.first_row, count,
                keeps_positions() ? member.length : 1, of_member);
    }
  }
}

void ScoreAccumulator::add_sums(int64_t parameter, const SliceSums& sums) {
  settle();
  const Place& into = place(parameter);
  const size_t padded = sums.positions.size() / sums.whole.size();
  for (size_t b = 0; b < sums.whole.size(); ++b) {
    const Member& member = (*members_)[b];
    if (!member.counted) continue;
    value(member, parameter) += sums.whole[b];
    if (!fed(member) || into.division != Division::whole) continue;
    if (keeps_positions()) {
      add_parts(member, into.first, 1, member.length, sums.positions.data() + b * padded);
    } else {
      add_parts(member, into.first, 1, 1, &sums.whole[b]);
    }
  }
}

void ScoreAccumulator::add_channels(int64_t parameter, const at::Tensor& delta,
                                    const at::Tensor& z) {
  settle();  // what was asked for before comes first
  const at::Tensor sums = contraction_.device().download(
      contraction_.over_pixels(delta.contiguous(), z.contiguous()).contiguous());
  contraction_.device().synchronize();
  const Place& into = place(parameter);
  const int64_t count = sums.size(1);
  for (size_t b = 0; b < members_->size(); ++b) {
    const Member& member = (*members_)[b];
    if (!member.counted) continue;
    const double* of_rows = sums.const_data_ptr<double>() + static_cast<int64_t>(b) * count;
    const double whole = kernels::ordered_sum(of_rows, count);
    value(member, parameter) += whole;
    if (!fed(member)) continue;
    if (into.division == Division::rows) {
      add_parts(member, into.first, count, 1, of_rows);
    } else {
      add_parts(member, into.first, 1, 1, &whole);
    }
  }
}

void ScoreAccumulator::add_entries(int64_t parameter, const std::vector<int64_t>& rows,
                                   const std::vector<int64_t>& positions,
                                   const at::Tensor& values) {
  settle();  // what was asked for before comes first
  const Place& into = place(parameter);
  const auto count = static_cast<int64_t>(rows.size());
  for (size_t b = 0; b < members_->size(); ++b) {
    const Member& member = (*members_)[b];
    if (!member.counted) continue;
    const double* own = values.const_data_ptr<double>() + static_cast<int64_t>(b) * count;
    const double whole = kernels::ordered_sum(own, count);
    value(member, parameter) += whole;
    if (!fed(member)) continue;
    const int64_t kept = keeps_positions() ? positions[b] + 1 : 1;
    const int64_t width = into.division == Division::rows ? into.count : 1;
    parts_.assign(static_cast<size_t>(kept * width), 0.0);
    double* at = parts_.data() + (kept - 1) * width;
    for (int64_t i = 0; i < count; ++i) {
      at[into.division == Division::rows ? rows[static_cast<size_t>(i)] : 0] += own[i];
    }
    add_parts(member, into.first, width, kept, parts_.data());
  }
}

void ScoreAccumulator::fold_embedding(const Pending& pending) {
  const Place& into = place(pending.parameter, true);
  const int64_t padded = pending.ids.size(1);
  for (size_t b = 0; b < pending.members->size(); ++b) {
    const Member& member = (*pending.members)[b];
    if (!member.counted) continue;
    const int64_t length = std::min(member.length, padded);
    const auto row = static_cast<int64_t>(b) * padded;
    const double* parts = pending.by_position.const_data_ptr<double>() + row;  // ⟨δ_t, ΔW[id_t]⟩
    const int64_t* id = pending.ids.const_data_ptr<int64_t>() + row;
    const double whole = kernels::ordered_sum(parts, length);
    value(member, pending.parameter) += whole;
    if (!fed(member)) continue;
    const int64_t kept = keeps_positions() ? length : 1;
    if (into.division == Division::rows) {
      parts_.assign(static_cast<size_t>(kept * into.count), 0.0);
      for (int64_t t = 0; t < length; ++t) {
        const int64_t at = keeps_positions() ? t * into.count : 0;
        parts_[static_cast<size_t>(at + id[t])] += parts[t];
      }
      add_parts(member, into.first, into.count, kept, parts_.data());
    } else if (keeps_positions()) {
      add_parts(member, into.first, 1, kept, parts);
    } else {
      add_parts(member, into.first, 1, 1, &whole);
    }
  }
}

void ScoreAccumulator::add_parts(const Member& member, int64_t first, int64_t count,
                                 int64_t positions, const double* parts) {
  const Ask& ask = (*asks_)[member.ask];
  const int64_t sample = ask.samples[static_cast<size_t>(member.row)];
  const auto weights = ask.weights_of(member.row);
  for (int a = 0; a < accumulators_; ++a) {
    const double weight = weights[static_cast<size_t>(a)];
    if (weight == 0) continue;
    double* out = round_.data() + (a * samples_ + sample) * stride_ + first;
    for (int64_t p = 0; p < positions; ++p) {
      for (int64_t i = 0; i < count; ++i) {
        out[p * width_ + i] += weight * parts[p * count + i];
      }
    }
  }
}

std::vector<double> ScoreAccumulator::scores(int64_t sample, int accumulator) const {
  const int64_t kept = std::max<int64_t>(positions_, 1);
  const double* from = sums_.data() + (accumulator * samples_ + sample) * stride_;
  std::vector<double> merged(static_cast<size_t>(kept * table_.size()), 0.0);
  for (int64_t i = 0; i < tensors_; ++i) {
    const int64_t first = table_.slot(i).first;
    for (size_t use = first_use_[static_cast<size_t>(i)];
         use < first_use_[static_cast<size_t>(i) + 1]; ++use) {
      const Place& part = places_[use];
      for (int64_t p = 0; p < kept; ++p) {
        for (int64_t c = 0; c < part.count; ++c) {
          merged[static_cast<size_t>(p * table_.size() + first + c)] +=
              from[p * width_ + part.first + c];
        }
      }
    }
  }
  return merged;
}

}  // namespace explaind
