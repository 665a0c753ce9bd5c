#include "store/labels.hpp"

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "scores/head_numbers.hpp"
#include "store/layout.hpp"

namespace explaind {
namespace {

std::vector<int64_t> counted(uint64_t size) {
  std::vector<int64_t> values(size);
  std::iota(values.begin(), values.end(), int64_t{0});
  return values;
}

/// One field of every component.
template <typename Value, typename Field>
std::vector<Value> each(const StoreSchema& schema, Field field) {
  std::vector<Value> values;
  for (const Component& component : schema.components.components()) {
    values.push_back(component.*field);
  }
  return values;
}

/// What is known of the ends of segments beside their steps.
void add_ends(const StoreSchema& schema, std::vector<Labels>& labels) {
  if (!schema.tokens_from.empty()) {
    labels.push_back({"tokens_from", "segment", "tokens seen in training where the segment begins",
                      schema.tokens_from});
    labels.push_back({"tokens_to", "segment", "tokens seen in training where the segment ends",
                      schema.tokens_to});
  }
  if (!schema.phase_from.empty()) {
    labels.push_back({"phase_from", "segment", "phase of the training in which the segment begins",
                      schema.phase_from});
    labels.push_back({"phase_to", "segment", "phase of the training in which the segment ends",
                      schema.phase_to});
  }
}

void add_samples(const StoreSchema& schema, std::vector<Labels>& labels) {
  labels.push_back({"sample", "sample", "number of the sample", counted(schema.sample_ids.size())});
  labels.push_back({"id", "sample", "name of the sample", schema.sample_ids});
  labels.push_back({schema.axes.group ? "sample_group" : "group", "sample", "group of the sample",
                    schema.sample_groups});
  if (!schema.sample_lengths.empty()) {
    labels.push_back({"length", "sample", "positions of the sample", schema.sample_lengths});
  }
}

void add_components(const StoreSchema& schema, std::vector<Labels>& labels) {
  const auto add = [&](const char* name, const char* long_name, auto values) {
    labels.push_back({name, "component", long_name, std::move(values)});
  };
  using Numbers = int64_t;
  using Texts = std::string;
  add("component", "part of the model", each<Texts>(schema, &Component::name));
  add("layer", "block of the model; -1: before the blocks",
      each<Numbers>(schema, &Component::layer));
  add("kind", "kind of layer; empty: several", each<Texts>(schema, &Component::kind));
  add("tensor", "tensor of the model; empty: several", each<Texts>(schema, &Component::tensor));
  HeadNumbers numbers = head_numbers(schema.components);
  add("head", "attention head; -1: none", std::move(numbers.head));
  add("kv_head", "key-value head that several heads query; -1: none", std::move(numbers.kv_head));
  add("index", "number within the tensor: row or head; -1: none",
      each<Numbers>(schema, &Component::index));
}

void add_training(const StoreSchema& schema, std::vector<Labels>& labels) {
  if (schema.axes.train_sample) {
    labels.push_back({"train_sample", "train_sample", "number of the training sample",
                      counted(schema.train_ids.size())});
    labels.push_back({"train_id", "train_sample", "name of the training sample", schema.train_ids});
    labels.push_back(
        {"train_group_name", "train_sample", "group of the training sample", schema.train_groups});
  }
  if (schema.axes.train_group) {
    labels.push_back(
        {"train_group", "train_group", "group of training samples", schema.train_group_names});
  }
}

void add_curve(const StepCurve& curve, std::vector<Labels>& labels) {
  if (curve.change.empty()) return;
  labels.push_back({"interval", "interval",
                    "rank among the segments of the whole series, the largest change first",
                    counted(curve.change.size())});
  labels.push_back({"interval_from", "interval", "step at which the interval begins", curve.from});
  labels.push_back({"interval_to", "interval", "step at which the interval ends", curve.to});
}

/// Labels of `parameter`, a dataset of its own to xarray, which sees the dimensions of the file
/// there but not their labels.
void add_scalars(const StoreSchema& schema, std::vector<Labels>& labels) {
  for (const std::string& dim : tensor_dimensions(schema)) {
    labels.push_back(
        {dim, dim, "number along an axis of a tensor", counted(dimension_size(schema, dim))});
  }
  for (const char* dim : {"group", "output"}) {
    const auto own = std::find_if(labels.begin(), labels.end(), [&](const Labels& each) {
      return each.name == dim && each.dim == dim;
    });
    if (!schema.dense || own == labels.end()) continue;
    labels.push_back({std::string(dense_group) + "/" + dim, dim, own->long_name, own->values});
  }
}

}  // namespace

std::vector<Labels> labels_of(const StoreSchema& schema) {
  std::vector<Labels> labels{
      {"segment", "segment", "number of the segment", counted(schema.step_from.size())},
      {"step_from", "segment", "training step at which the segment begins", schema.step_from},
      {"step_to", "segment", "training step at which the segment ends", schema.step_to}};
  add_ends(schema, labels);
  add_samples(schema, labels);
  if (schema.axes.group) {
    labels.push_back({"group", "group", "group of samples", schema.group_names});
  }
  if (schema.axes.position) {
    labels.push_back({"position", "position", "place in the sample, from 0",
                      counted(dimension_size(schema, "position"))});
  }
  add_components(schema, labels);
  add_training(schema, labels);
  if (schema.axes.output) {
    labels.push_back({"output", "output", "output of the model", schema.outputs});
  }
  add_curve(schema.curve, labels);
  labels.push_back({"provenance/unit", "provenance/unit", "number of the segment's unit of work",
                    counted(dimension_size(schema, "provenance/unit"))});
  add_scalars(schema, labels);
  return labels;
}

std::string coordinates_along(const std::vector<Labels>& labels,
                              const std::vector<std::string>& dims) {
  std::string names;
  for (const std::string& dim : dims) {
    for (const Labels& each : labels) {
      const bool own = each.name.substr(each.name.rfind('/') + 1) == dim || each.name == dim;
      if (each.dim == dim && !own) names += (names.empty() ? "" : " ") + each.name;
    }
  }
  return names;
}

void require_storable(const std::vector<Labels>& labels) {
  for (const Labels& each : labels) {
    const auto* texts = std::get_if<std::vector<std::string>>(&each.values);
    if (texts == nullptr) continue;
    for (const std::string& text : *texts) {
      const size_t nul = text.find('\0');
      if (nul == std::string::npos) continue;
      throw DataError("'" + text.substr(0, nul) + "'",
                      "is followed by a NUL character, as the " + each.long_name +
                          ": a store's texts end there, so that two could not be told apart",
                      "Rename it");
    }
  }
}

}  // namespace explaind
