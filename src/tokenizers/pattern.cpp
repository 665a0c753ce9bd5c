#include "tokenizers/pattern.hpp"

#include <stdexcept>

#include "tokenizers/characters.hpp"
#include "tokenizers/oniguruma.hpp"
#include "tokenizers/pattern_classes.hpp"

namespace explaind {
namespace {

const OnigUChar* bytes(const char* at) { return reinterpret_cast<const OnigUChar*>(at); }

std::string error_text(int code, OnigErrorInfo* information) {
  OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const auto text_of = Oniguruma::library().error_text;
  const int size =
      information == nullptr ? text_of(message, code) : text_of(message, code, information);
  return {reinterpret_cast<const char*>(message), static_cast<size_t>(size)};
}

/// Where a search leaves its match; one for each thread.
class Region {
 public:
  Region() = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() { Oniguruma::library().free_region(region_, /*free_self=*/1); }
  [[nodiscard]] OnigRegion* get() const { return region_; }

 private:
  OnigRegion* region_ = Oniguruma::library().new_region();
};

}  // namespace

struct Pattern::Compiled {
  regex_t* expression = nullptr;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (expression != nullptr) Oniguruma::library().free(expression);
  }
};

Pattern::Pattern() = default;
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Pattern Pattern::of_expression(const std::string& expression) {
  const Oniguruma& library = Oniguruma::library();
  const std::string written = with_classes_written_out(expression);
  Pattern pattern;
  pattern.compiled_ = std::make_unique<Compiled>();
  OnigErrorInfo information;
  const char* begin = written.data();
  const int code =
      library.compile(&pattern.compiled_->expression, bytes(begin), bytes(begin + written.size()),
                      ONIG_OPTION_NONE, library.utf8, library.syntax, &information);
  if (code != ONIG_NORMAL)
    throw std::invalid_argument("is broken: " + error_text(code, &information));
  return pattern;
}

Pattern Pattern::of_text(std::string text) {
  Pattern pattern;
  pattern.text_ = std::move(text);
  return pattern;
}

std::vector<MatchedPart> Pattern::parts(std::string_view text) const {
  std::vector<MatchedPart> found;
  size_t done = 0;
  const auto keep = [&](size_t begin, size_t end) {
    if (done != begin) found.push_back({done, begin, false});
    found.push_back({begin, end, true});
    done = end;
  };
  if (text.empty()) return {{0, 0, false}};
  if (compiled_ == nullptr) {
    for (size_t at = text.find(text_); at != std::string_view::npos; at = text.find(text_, done)) {
      keep(at, at + text_.size());
    }
  }
  const OnigUChar* const begin = bytes(text.data());
  const OnigUChar* const end = begin + text.size();
  thread_local const Region region;
  size_t from = 0;
  bool any = false;
  while (compiled_ != nullptr && from <= text.size()) {
    const int code = Oniguruma::library().search(compiled_->expression, begin, end, begin + from,
                                                 end, region.get(), ONIG_OPTION_NONE);
    if (code == ONIG_MISMATCH) break;
    if (code < 0) throw std::runtime_error(error_text(code, nullptr));
    const auto first = static_cast<size_t>(region.get()->beg[0]);
    const auto last = static_cast<size_t>(region.get()->end[0]);
    if (first == last && any && done == last) {
      // An empty match right after another is none; the search goes on a character later.
      from += from < text.size() ? decode(text, from).size : 1;
      continue;
    }
    from = last;
    any = true;
    keep(first, last);
  }
  if (done != text.size()) found.push_back({done, text.size(), false});
  return found;
}

}  // namespace explaind
