// What a pickle may name and call, and the tensors and records that come of it; none of it is run.

#include <algorithm>
#include <array>
#include <map>

#include "checkpoint/pickle_machine.hpp"
#include "core/error.hpp"

namespace explaind::pickled {
namespace {

const std::map<std::string_view, Dtype>& storage_types() {
  static const std::map<std::string_view, Dtype> known{
      {"torch.DoubleStorage", Dtype::f64}, {"torch.FloatStorage", Dtype::f32},
      {"torch.HalfStorage", Dtype::f16},   {"torch.BFloat16Storage", Dtype::bf16},
      {"torch.LongStorage", Dtype::i64},   {"torch.IntStorage", Dtype::i32},
      {"torch.ShortStorage", Dtype::i16},  {"torch.CharStorage", Dtype::i8},
      {"torch.ByteStorage", Dtype::u8},    {"torch.BoolStorage", Dtype::boolean}};
  return known;
}

constexpr std::string_view rebuild_tensor = "torch._utils._rebuild_tensor_v2";
constexpr std::string_view rebuild_parameter = "torch._utils._rebuild_parameter";
constexpr std::string_view rebuild_from_type = "torch._tensor._rebuild_from_type_v2";
constexpr std::string_view rebuild_wrapped = "torch._utils._rebuild_wrapper_subclass";
constexpr std::string_view ordered_dict = "collections.OrderedDict";
constexpr std::string_view dict_class = "collections.defaultdict";
constexpr std::array<std::string_view, 6> other_names{
    rebuild_tensor, rebuild_parameter, rebuild_from_type,
    ordered_dict,   "torch.Tensor",    "torch.nn.parameter.Parameter"};

/// The name as it is known here; empty where it is not allowed.
std::string_view allowed(std::string_view name) {
  const auto type = storage_types().find(name);
  if (type != storage_types().end()) return type->first;
  const auto* other = std::find(other_names.begin(), other_names.end(), name);
  return other == other_names.end() ? std::string_view() : *other;
}

}  // namespace

bool Machine::call(unsigned char code) {
  switch (code) {
    case 'c': {
      const std::string_view module = read_line();
      push_global(module, read_line());
      return true;
    }
    case 0x93: {
      const std::string_view name = pop_as<Text>("name").text;
      push_global(pop_as<Text>("module").text, name);
      return true;
    }
    case 'Q':
      storages_.push_back(storage_of(*pop_as<Sequence>("storage's tuple").items));
      push(static_cast<const Storage*>(&storages_.back()));
      return true;
    case 'R': {
      const Items arguments = pop_as<Sequence>("arguments").items;
      const std::string_view name = pop_as<Global>("name").name;
      stack_.push_back(is_record_type(name) ? make_record(name, arguments)
                                            : rebuild(name, *arguments));
      return true;
    }
    case 0x81: {  // NEWOBJ
      if (record_types_.names.empty()) return false;
      const Items arguments = pop_as<Sequence>("arguments").items;
      const std::string_view name = pop_as<Global>("class").name;
      if (!is_record_type(name)) refuse(fmt::format("its pickle makes an object of {}", name));
      stack_.push_back(make_record(name, arguments));
      return true;
    }
    case 'b':
      build();
      return true;
    default:
      return false;
  }
}

void Machine::push_global(std::string_view module, std::string_view name) {
  constexpr size_t longest = 100;  // longer than any that is allowed
  const std::string whole =
      std::string(module.substr(0, longest)).append(".").append(name.substr(0, longest));
  const std::string_view tensors = allowed(whole);
  const std::string_view known = tensors.empty() ? record_type(whole) : tensors;
  if (whole == rebuild_wrapped) refuse_wrapped();
  if (known.empty()) {
    refuse(fmt::format("its pickle names {}, which no state dict needs", shown(whole)));
  }
  push(Global{known});
}

bool Machine::is_record_type(std::string_view name) const {
  const auto& names = record_types_.names;
  const auto& packages = record_types_.packages;
  if (!allowed(name).empty()) return false;  // tensors are tensors whatever the packages
  return std::find(names.begin(), names.end(), name) != names.end() ||
         std::any_of(packages.begin(), packages.end(),
                     [&](std::string_view each) { return name.starts_with(each); });
}

std::string_view Machine::record_type(const std::string& name) {
  const auto found = std::find(record_types_.names.begin(), record_types_.names.end(), name);
  if (found != record_types_.names.end()) return *found;
  if (!is_record_type(name)) return {};
  return package_names_.emplace_back(name);
}

Value Machine::make_record(std::string_view type, Items arguments) {
  if (type == dict_class) return {Dict{keep({})}};
  return {&records_.emplace_back(Record{.type = type, .arguments = arguments, .state = {None{}}})};
}

void Machine::build() {
  const Value state = pop();
  if (!stack_.empty() && std::holds_alternative<Record*>(stack_.back().held)) {
    std::get<Record*>(stack_.back().held)->state = state;
    return;
  }
  top_as<Dict>("dict");  // attributes of an OrderedDict: not needed
}

void Machine::refuse_wrapped() {
  std::string type = "another type than torch.Tensor";
  // As torch.save writes it: the function kept in the memo, a mark, and the type.
  for (auto code = static_cast<unsigned char>(take(1)[0]);;
       code = static_cast<unsigned char>(take(1)[0])) {
    if (code == 'q') {
      take(1);
    } else if (code == 'r') {
      take(4);
    } else if (code == 'c') {
      type = "type " + std::string(read_line()) + ".";
      type += read_line();
      break;
    } else if (code != '(') {
      break;
    }
  }
  throw DataError(where_,
                  fmt::format("its pickle holds a tensor of {}, which wraps other tensors (nothing "
                              "of it was run)",
                              shown(type)),
                  remedies_.wrapped);
}

Storage Machine::storage_of(const std::vector<Value>& tuple) const {
  if (argument<Text>(tuple, 0, "\"storage\"").text != "storage") {
    refuse("its pickle refers to something that is no storage");
  }
  const std::string_view type = argument<Global>(tuple, 1, "storage type").name;
  const auto found = storage_types().find(type);
  if (found == storage_types().end()) {
    refuse(fmt::format("its pickle has a storage of type {}", type));
  }
  if (tuple.size() > 5 && !std::holds_alternative<None>(tuple[5].held)) {
    refuse("its pickle has a view of a storage, as PyTorch 0.3 and older wrote it");
  }
  return {.dtype = found->second,
          .key = argument<Text>(tuple, 2, "storage key").text,
          .elements = argument<int64_t>(tuple, 4, "storage size")};
}

std::vector<int64_t> Machine::numbers(const Sequence& sequence) const {
  constexpr size_t largest_rank = 16;
  if (sequence.items->size() > largest_rank) refuse("its pickle has a tensor of too high a rank");
  std::vector<int64_t> values;
  for (size_t i = 0; i < sequence.items->size(); ++i) {
    values.push_back(argument<int64_t>(*sequence.items, i, "number"));
  }
  return values;
}

Value Machine::rebuild(std::string_view name, const std::vector<Value>& arguments) {
  if (name == ordered_dict && arguments.empty()) return {Dict{keep({})}};
  if (name == rebuild_parameter) {
    return {argument<const PickledTensor*>(arguments, 0, "tensor")};
  }
  if (name == rebuild_from_type) {  // (function, type, its arguments, state)
    const std::string_view function = argument<Global>(arguments, 0, "name").name;
    if (function == rebuild_from_type) refuse(fmt::format("its pickle calls {} on itself", name));
    return rebuild(function, *argument<Sequence>(arguments, 2, "arguments").items);
  }
  if (name != rebuild_tensor) refuse(fmt::format("its pickle calls {}", name));
  const Storage& storage = *argument<const Storage*>(arguments, 0, "storage");
  PickledTensor& tensor = tensors_.emplace_back();
  tensor.dtype = storage.dtype;
  tensor.storage = storage.key;
  tensor.storage_elements = storage.elements;
  tensor.offset = argument<int64_t>(arguments, 1, "offset");
  tensor.shape = numbers(argument<Sequence>(arguments, 2, "shape"));
  tensor.strides = numbers(argument<Sequence>(arguments, 3, "strides"));
  return {static_cast<const PickledTensor*>(&tensor)};
}

}  // namespace explaind::pickled
