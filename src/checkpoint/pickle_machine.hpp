#pragma once
// The stack machine that reads pickles without running them.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "checkpoint/plain_data.hpp"

/// What a pickle holds on its way: values refer to lists that the machine owns, since a pickle may
/// nest deeply, or in a circle.
namespace explaind::pickled {

struct Value;
using Items = std::vector<Value>*;  ///< owned by the machine

struct None {};
struct Mark {};
struct Global {
  std::string name;
};
struct Text {
  std::string text;
};
struct Sequence {
  Items items;  ///< of a list or tuple
};
struct Dict {
  Items items;  ///< key, value, key, value, …
};
struct Storage {
  Dtype dtype;
  std::string key;
  int64_t elements;
};

struct Value {
  std::variant<None, Mark, bool, int64_t, double, Text, Sequence, Dict, Global, Storage,
               PickledTensor>
      held;
};

/// The pickle protocol up to 4, as far as plain data go. Throws DataError that quotes whatever it
/// does not know.
class Machine {
 public:
  Machine(std::span<const std::byte> pickle, std::string where)
      : rest_(pickle), where_(std::move(where)) {}

  Value run();

  [[noreturn]] void refuse(const std::string& problem) const;

 private:
  std::span<const std::byte> take(size_t size);
  template <typename T>
  T read() {
    T value{};
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string read_text(size_t size);
  std::string read_line();

  template <typename T>
  void push(T value) {
    stack_.push_back({std::move(value)});
  }
  Value pop();
  template <typename T>
  T pop_as(const char* what) {
    Value top = pop();
    if (T* held = std::get_if<T>(&top.held)) return std::move(*held);
    refuse(fmt::format("its pickle is broken ({} expected)", what));
  }
  template <typename T>
  T& top_as(const char* what) {
    if (!stack_.empty()) {
      if (T* held = std::get_if<T>(&stack_.back().held)) return *held;
    }
    refuse(fmt::format("its pickle is broken ({} expected)", what));
  }
  /// What was pushed since the last mark, which goes too.
  std::vector<Value> pop_to_mark();
  Items keep(std::vector<Value> items) { return &kept_.emplace_back(std::move(items)); }
  void push_tuple(size_t size);
  static void extend(std::vector<Value>& items, std::vector<Value> more) {
    for (Value& each : more) items.push_back(std::move(each));
  }

  /// Each carries out an operation of its kind, and says whether it was one.
  bool structure(unsigned char code);
  bool number(unsigned char code);
  bool text(unsigned char code);
  bool memory(unsigned char code);
  void remember(uint32_t place);
  void recall(uint32_t place);

  bool call(unsigned char code);
  void push_global(const std::string& name);

  template <typename T>
  const T& argument(const std::vector<Value>& arguments, size_t i, const char* what) const {
    const T* held = i < arguments.size() ? std::get_if<T>(&arguments[i].held) : nullptr;
    if (held == nullptr) refuse(fmt::format("its pickle is broken ({} expected)", what));
    return *held;
  }
  /// ("storage", type, key, location, elements)
  [[nodiscard]] Storage storage_of(const std::vector<Value>& tuple) const;
  [[nodiscard]] std::vector<int64_t> numbers(const Sequence& sequence) const;
  Value rebuild(const std::string& name, const std::vector<Value>& arguments);

  std::span<const std::byte> rest_;
  std::string where_;
  std::deque<std::vector<Value>> kept_;
  std::vector<Value> stack_;
  std::map<uint32_t, Value> memo_;
};

}  // namespace explaind::pickled
