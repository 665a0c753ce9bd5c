#include "tokenizers/pattern.hpp"

#include <oniguruma.h>

#include <stdexcept>

#include "tokenizers/characters.hpp"
#include "tokenizers/pattern_classes.hpp"

namespace explaind {
namespace {

const OnigUChar* bytes(const char* at) { return reinterpret_cast<const OnigUChar*>(at); }

std::string error_text(int code, OnigErrorInfo* information) {
  OnigUChar message[ONIG_MAX_ERROR_MESSAGE_LEN];
  const int size = information == nullptr ? onig_error_code_to_str(message, code)
                                          : onig_error_code_to_str(message, code, information);
  return {reinterpret_cast<const char*>(message), static_cast<size_t>(size)};
}

void initialize_once() {
  static const int done = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  if (done != ONIG_NORMAL) throw std::runtime_error("Oniguruma does not start");
}

/// Where a search leaves its match; one for each thread.
class Region {
 public:
  Region() = default;
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  ~Region() { onig_region_free(region_, /*free_self=*/1); }
  [[nodiscard]] OnigRegion* get() const { return region_; }

 private:
  OnigRegion* region_ = onig_region_new();
};

}  // namespace

struct Pattern::Compiled {
  regex_t* expression = nullptr;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (expression != nullptr) onig_free(expression);
  }
};

Pattern::Pattern() = default;
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

Pattern Pattern::of_expression(const std::string& expression) {
  initialize_once();
  const std::string written = with_classes_written_out(expression);
  Pattern pattern;
  pattern.compiled_ = std::make_unique<Compiled>();
  OnigErrorInfo information;
  const char* begin = written.data();
  const int code =
      onig_new(&pattern.compiled_->expression, bytes(begin), bytes(begin + written.size()),
               ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_ONIGURUMA, &information);
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
    const int code = onig_search(compiled_->expression, begin, end, begin + from, end, region.get(),
                                 ONIG_OPTION_NONE);
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
