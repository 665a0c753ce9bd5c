#include "tokenizers/normalizers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "core/error.hpp"
#include "tokenizers/byte_alphabet.hpp"
#include "tokenizers/characters.hpp"
#include "tokenizers/normal_forms.hpp"
#include "tokenizers/read_pattern.hpp"

namespace explaind {
namespace {

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80U; });
}

class NormalFormStep final : public Normalizer {
 public:
  explicit NormalFormStep(NormalForm form) : form_(form) {}
  void apply(TrackedText& text) const override {
    const std::string_view from = text.text();
    if (is_ascii(from)) return;
    std::vector<char32_t> points;
    std::vector<size_t> starts;
    for (size_t at = 0; at < from.size();) {
      const Decoded next = decode(from, at);
      points.push_back(next.point);
      starts.push_back(at);
      at += next.size;
    }
    if (surely_normal(points, form_)) return;
    starts.push_back(from.size());
    TrackedEdit edit(text);
    for (const NormalCharacter& each : normalized(points, form_)) {
      edit.put(character(each.point), starts[each.first], starts[each.last + 1]);
    }
    text = edit.done();
  }

 private:
  NormalForm form_;
};

/// Character by character: the new text for each.
class EachCharacter final : public Normalizer {
 public:
  using Change = std::function<void(char32_t point, std::string& to)>;
  explicit EachCharacter(Change change) : change_(std::move(change)) {}
  void apply(TrackedText& text) const override {
    const std::string_view from = text.text();
    TrackedEdit edit(text);
    bool changed = false;
    std::string to;
    for (size_t at = 0; at < from.size();) {
      const Decoded next = decode(from, at);
      to.clear();
      change_(next.point, to);
      if (to == from.substr(at, next.size)) {
        edit.keep(at, at + next.size);
      } else {
        edit.put(to, at, at + next.size);
        changed = true;
      }
      at += next.size;
    }
    if (changed) text = edit.done();
  }

 private:
  Change change_;
};

void append_nmt(char32_t c, std::string& to) {
  const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (within(0x1, 0x8) || c == 0xB || within(0xE, 0x1F) || c == 0x7F || c == 0x8F || c == 0x9F) {
    return;
  }
  const bool blank = c == 0x9 || c == 0xA || c == 0xC || c == 0xD || c == 0x1680 ||
                     within(0x200B, 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                     c == 0xFEFF || c == 0xFFFD;
  append_character(blank ? U' ' : c, to);
}

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string text) : text_(std::move(text)) {}
  void apply(TrackedText& text) const override {
    const size_t size = text.text().size();
    if (size == 0) return;
    TrackedEdit edit(text);
    edit.put(text_, 0, decode(text.text(), 0).size);
    edit.keep(0, size);
    text = edit.done();
  }

 private:
  std::string text_;
};

class Replace final : public Normalizer {
 public:
  explicit Replace(const JsonPart& part)
      : pattern_(read_pattern(part.at("pattern"))),
        content_(part.at("content").text()),
        place_(part.at("pattern").place()) {}
  void apply(TrackedText& text) const override {
    const std::vector<MatchedPart> parts = parts_of(pattern_, text.text(), place_);
    if (parts.size() == 1 && !parts[0].match) return;
    TrackedEdit edit(text);
    for (const MatchedPart& each : parts) {
      if (!each.match) {
        edit.keep(each.begin, each.end);
      } else {
        if (each.begin == each.end) place_.refuse("matches nothing at all, which is not covered");
        edit.put(content_, each.begin, each.end);
      }
    }
    text = edit.done();
  }

 private:
  Pattern pattern_;
  std::string content_;
  JsonPlace place_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(TrackedText& text) const override {
    const std::string_view from = text.text();
    size_t begin = 0, end = from.size();
    while (left_ && begin < end) {
      const Decoded next = decode(from, begin);
      if (!is(next.point, white_space_bit)) break;
      begin += next.size;
    }
    while (right_ && begin < end) {
      const Decoded last = decode_last(from.substr(begin, end - begin));
      if (!is(last.point, white_space_bit)) break;
      end -= last.size;
    }
    if (begin > 0 || end < from.size()) text = text.part(begin, end);
  }

 private:
  bool left_, right_;
};

class ByteAlphabet final : public Normalizer {
 public:
  void apply(TrackedText& text) const override {
    TrackedEdit edit(text);
    for (size_t i = 0; i < text.text().size(); ++i) {
      edit.put(in_byte_alphabet(text.text().substr(i, 1)), i, i + 1);
    }
    text = edit.done();
  }
};

class InTurn final : public Normalizer {
 public:
  explicit InTurn(const JsonPart& list) {
    for (const JsonPart& each : list.items()) {
      if (each.is_null()) each.refuse("must be a normalizer, not nothing");
      steps_.push_back(read_normalizer(each));
    }
  }
  void apply(TrackedText& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

}  // namespace

std::unique_ptr<Normalizer> read_normalizer(const JsonPart& part) {
  if (part.is_null()) return nullptr;
  const std::string type = part.type();
  const auto form = [&](bool compatible, bool composed) {
    return std::make_unique<NormalFormStep>(NormalForm{compatible, composed});
  };
  if (type == "Sequence") {
    part.allow_only({"type", "normalizers"});
    return std::make_unique<InTurn>(part.at("normalizers"));
  }
  if (type == "Prepend") {
    part.allow_only({"type", "prepend"});
    return std::make_unique<Prepend>(part.at("prepend").text());
  }
  if (type == "Replace") {
    part.allow_only({"type", "pattern", "content"});
    return std::make_unique<Replace>(part);
  }
  if (type == "Strip") {
    part.allow_only({"type", "strip_left", "strip_right"});
    return std::make_unique<Strip>(part.at("strip_left").boolean(),
                                   part.at("strip_right").boolean());
  }
  part.allow_only({"type"});
  if (type == "NFC") return form(false, true);
  if (type == "NFD") return form(false, false);
  if (type == "NFKC") return form(true, true);
  if (type == "NFKD") return form(true, false);
  if (type == "ByteLevel") return std::make_unique<ByteAlphabet>();
  if (type == "Lowercase") return std::make_unique<EachCharacter>(append_lower);
  if (type == "Nmt") return std::make_unique<EachCharacter>(append_nmt);
  if (type == "StripAccents") {
    return std::make_unique<EachCharacter>([](char32_t c, std::string& to) {
      if (!is(c, accent_bit)) append_character(c, to);
    });
  }
  part.refuse(fmt::format("is of the type \"{}\", which is not covered", type));
}

}  // namespace explaind
