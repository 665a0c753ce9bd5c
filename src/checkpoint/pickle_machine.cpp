#include "checkpoint/pickle_machine.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace explaind::pickled {

std::string shown(std::string_view text) {
  constexpr size_t longest = 100;
  std::string cut(text.substr(0, longest));
  for (char& c : cut) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text.size() > longest ? cut + "…" : cut;
}

const Value* Record::field(std::string_view name) const {
  const Dict* fields = std::get_if<Dict>(&state.held);
  if (fields == nullptr) return nullptr;
  for (size_t i = 0; i + 1 < fields->items->size(); i += 2) {
    const Text* key = std::get_if<Text>(&(*fields->items)[i].held);
    if (key != nullptr && key->text == name) return &(*fields->items)[i + 1];
  }
  return nullptr;
}

Value Machine::run() {
  for (int64_t operations = 0;; ++operations) {
    if (operations == most_operations_) {
      refuse(fmt::format("its pickle takes more than {} operations", most_operations_));
    }
    const auto code = static_cast<unsigned char>(take(1)[0]);
    if (code == '.') return pop();
    if (!structure(code) && !number(code) && !text(code) && !memory(code) && !call(code)) {
      refuse(fmt::format("its pickle uses the operation 0x{:02x}, which plain data do not need",
                         code));
    }
  }
}

void Machine::refuse(const std::string& problem) const {
  throw DataError(where_, problem + " (nothing of it was run)", remedies_.other);
}

std::span<const std::byte> Machine::take(size_t size) {
  if (size > rest_.size()) refuse("its pickle is cut short");
  const auto taken = rest_.first(size);
  rest_ = rest_.subspan(size);
  return taken;
}

std::string_view Machine::read_text(size_t size) {
  const auto bytes = take(size);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view Machine::read_line() {
  constexpr size_t longest = 1000;  // of a module's or a function's name
  const std::string_view text(reinterpret_cast<const char*>(rest_.data()),
                              std::min(rest_.size(), longest));
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    refuse(rest_.size() < longest ? "its pickle is cut short" : "its pickle holds an endless name");
  }
  take(end + 1);
  return text.substr(0, end);
}

Value Machine::pop() {
  if (stack_.empty()) refuse("its pickle is broken (empty stack)");
  const Value top = stack_.back();
  stack_.pop_back();
  return top;
}

std::vector<Value> Machine::pop_to_mark() {
  for (size_t i = stack_.size(); i-- > 0;) {
    if (!std::holds_alternative<Mark>(stack_[i].held)) continue;
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(i) + 1;
    std::vector<Value> items(first, stack_.end());
    stack_.resize(i);
    return items;
  }
  refuse("its pickle is broken (no mark)");
}

void Machine::push_tuple(size_t size) {
  std::vector<Value> items(size);
  for (size_t i = size; i-- > 0;) items[i] = pop();
  push(Sequence{keep(std::move(items))});
}

bool Machine::structure(unsigned char code) {
  switch (code) {
    case 0x80:
      take(1);
      return true;  // PROTO
    case 0x95:
      take(8);
      return true;  // FRAME
    case '(':
      push(Mark{});
      return true;
    case '0':
      pop();
      return true;
    case '1':
      pop_to_mark();
      return true;
    case ')':
    case ']':
      push(Sequence{keep({})});
      return true;
    case '}':
      push(Dict{keep({})});
      return true;
    case 't':
    case 'l':
      push(Sequence{keep(pop_to_mark())});
      return true;
    case 'd':
      push(Dict{keep(pop_to_mark())});
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(code - 0x84U);
      return true;
    case 'a': {
      const Value item = pop();
      top_as<Sequence>("list").items->push_back(item);
      return true;
    }
    case 'e': {
      const std::vector<Value> more = pop_to_mark();
      std::vector<Value>& items = *top_as<Sequence>("list").items;
      items.insert(items.end(), more.begin(), more.end());
      return true;
    }
    case 's': {
      const Value value = pop(), key = pop();
      std::vector<Value>& items = *top_as<Dict>("dict").items;
      items.push_back(key);
      items.push_back(value);
      return true;
    }
    case 'u': {
      const std::vector<Value> more = pop_to_mark();
      std::vector<Value>& items = *top_as<Dict>("dict").items;
      items.insert(items.end(), more.begin(), more.end());
      return true;
    }
    default:
      return false;
  }
}

bool Machine::number(unsigned char code) {
  switch (code) {
    case 'N':
      push(None{});
      return true;
    case 0x88:
      push(true);
      return true;
    case 0x89:
      push(false);
      return true;
    case 'J':
      push(int64_t{read<int32_t>()});
      return true;
    case 'K':
      push(int64_t{read<uint8_t>()});
      return true;
    case 'M':
      push(int64_t{read<uint16_t>()});
      return true;
    case 0x8a: {  // LONG1: little-endian, two's complement
      const auto bytes = take(read<uint8_t>());
      if (bytes.size() > 8) refuse("its pickle holds a number of more than 64 bits");
      uint64_t value = 0;
      for (size_t i = 0; i < bytes.size(); ++i)
        value |= std::to_integer<uint64_t>(bytes[i]) << 8 * i;
      if (!bytes.empty() && bytes.size() < 8 && (std::to_integer<int>(bytes.back()) & 0x80) != 0) {
        value |= ~uint64_t{0} << 8 * bytes.size();
      }
      push(static_cast<int64_t>(value));
      return true;
    }
    case 'G': {  // eight bytes, the most significant one first
      uint64_t bits = 0;
      for (const std::byte each : take(8)) bits = bits << 8 | std::to_integer<uint64_t>(each);
      double value = 0;
      std::memcpy(&value, &bits, sizeof(value));
      push(value);
      return true;
    }
    default:
      return false;
  }
}

bool Machine::text(unsigned char code) {
  switch (code) {
    case 'X':
    case 'T':
    case 'B':
      push(Text{read_text(read<uint32_t>())});
      return true;
    case 0x8c:
    case 'U':
    case 'C':
      push(Text{read_text(read<uint8_t>())});
      return true;
    default:
      return false;
  }
}

bool Machine::memory(unsigned char code) {
  switch (code) {
    case 'q':
      remember(read<uint8_t>());
      return true;
    case 'r':
      remember(read<uint32_t>());
      return true;
    case 0x94:
      remember(static_cast<uint32_t>(memo_.size()));
      return true;
    case 'h':
      recall(read<uint8_t>());
      return true;
    case 'j':
      recall(read<uint32_t>());
      return true;
    default:
      return false;
  }
}

void Machine::remember(uint32_t place) {
  if (stack_.empty()) refuse("its pickle is broken (empty stack)");
  memo_[place] = stack_.back();
}

void Machine::recall(uint32_t place) {
  const auto found = memo_.find(place);
  if (found == memo_.end()) refuse("its pickle is broken (unknown reference)");
  stack_.push_back(found->second);
}

}  // namespace explaind::pickled
