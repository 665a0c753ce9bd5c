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
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "checkpoint/plain_data.hpp"

/// What a pickle holds on its way. A pickle can name one thing many times (its memo), nest deeply
/// or in a circle, so a value never owns what it holds: texts are views of the pickle's bytes,
/// lists, storages and tensors are the machine's. A value takes 24 bytes whatever it stands for.
namespace explaind::pickled {

struct Value;
struct Record;
using Items = std::vector<Value>*;

struct None {};
struct Mark {};
struct Global {
  std::string_view name;  ///< one of those that are allowed
};
struct Text {
  std::string_view text;
};
struct Sequence {
  Items items;  ///< of a list or tuple
};
struct Dict {
  Items items;  ///< key, value, key, value, …
};
struct Storage {
  Dtype dtype;
  std::string_view key;
  int64_t elements;
};

struct Value {
  std::variant<None, Mark, bool, int64_t, double, Text, Sequence, Dict, Global, const Storage*,
               const PickledTensor*, Record*>
      held;
};

/// An object of a class, as the data that it would have been made of: its class is not known here,
/// nor is anything of it made.
struct Record {
  std::string_view type;
  Items arguments;  ///< of the call that would have made it
  Value state;      ///< what would have been set then, mostly a dict of its fields

  /// The field of that name; null where there is none.
  [[nodiscard]] const Value* field(std::string_view name) const;
};

/// A text of the pickle for a message: cut where it is long, without control characters.
std::string shown(std::string_view text);

/// The pickle protocol up to 4, as far as plain data go. Throws DataError that quotes whatever it
/// does not know, with `remedy`. Memory and time are a multiple of the pickle's length, at most
/// five million of them where it is of a state dict, as many as it has bytes elsewhere.
class Machine {
 public:
  /// What a refusal advises: of a tensor of a type that wraps others, and of anything else.
  struct Remedies {
    std::string other, wrapped;
  };
  /// records: of names, which live as long as this, in addition to those of tensors.
  Machine(std::span<const std::byte> pickle, std::string where, Remedies remedies,
          RecordTypes records = {})
      : most_operations_(records.names.empty() ? most_of_a_state
                                               : static_cast<int64_t>(pickle.size()) + 1),
        rest_(pickle),
        where_(std::move(where)),
        remedies_(std::move(remedies)),
        record_types_(std::move(records)) {}

  /// The value of the first pickle; what follows it is rest().
  Value run();

  [[nodiscard]] std::span<const std::byte> rest() const { return rest_; }
  /// The storages that it names, in order, some of them repeatedly.
  [[nodiscard]] const std::deque<Storage>& storages() const { return storages_; }

  [[noreturn]] void refuse(const std::string& problem) const;
  /// Whether objects of that name are read as records.
  [[nodiscard]] bool is_record_type(std::string_view name) const;

 private:
  /// 40 or so a tensor: a file of 100,000 tensors takes 4 million.
  static constexpr int64_t most_of_a_state = 5'000'000;

  std::span<const std::byte> take(size_t size);
  template <typename T>
  T read() {
    T value{};
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::string_view read_text(size_t size);
  std::string_view read_line();

  template <typename T>
  void push(T value) {
    stack_.push_back({std::move(value)});
  }
  Value pop();
  template <typename T>
  T pop_as(const char* what) {
    const Value top = pop();
    if (const T* held = std::get_if<T>(&top.held)) return *held;
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

  /// Each carries out an operation of its kind, and says whether it was one.
  bool structure(unsigned char code);
  bool number(unsigned char code);
  bool text(unsigned char code);
  bool memory(unsigned char code);
  void remember(uint32_t place);
  void recall(uint32_t place);

  bool call(unsigned char code);
  /// Refuses a name that is not allowed here, before anything is done with it, called or not.
  void push_global(std::string_view module, std::string_view name);
  /// Refuses a tensor of a type that wraps others, whose name stands next.
  [[noreturn]] void refuse_wrapped();

  template <typename T>
  const T& argument(const std::vector<Value>& arguments, size_t i, const char* what) const {
    const T* held = i < arguments.size() ? std::get_if<T>(&arguments[i].held) : nullptr;
    if (held == nullptr) refuse(fmt::format("its pickle is broken ({} expected)", what));
    return *held;
  }
  /// ("storage", type, key, location, elements)
  [[nodiscard]] Storage storage_of(const std::vector<Value>& tuple) const;
  [[nodiscard]] std::vector<int64_t> numbers(const Sequence& sequence) const;
  Value rebuild(std::string_view name, const std::vector<Value>& arguments);
  /// The name as it is kept, where records may be of it; empty otherwise.
  std::string_view record_type(const std::string& name);
  Value make_record(std::string_view type, Items arguments);
  /// The state of what lies below it on the stack.
  void build();

  int64_t most_operations_;
  std::span<const std::byte> rest_;
  std::string where_;
  Remedies remedies_;
  RecordTypes record_types_;
  std::deque<std::string> package_names_;
  std::deque<Record> records_;
  std::deque<std::vector<Value>> kept_;
  std::deque<Storage> storages_;
  std::deque<PickledTensor> tensors_;
  std::vector<Value> stack_;
  std::map<uint32_t, Value> memo_;
};

}  // namespace explaind::pickled
