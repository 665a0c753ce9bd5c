#include "tokenizers/added_tokens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tokenizers/characters.hpp"

namespace explaind {
namespace {

AddedToken read_added_token(const JsonPart& part) {
  part.allow_only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
  AddedToken token;
  token.text = part.at("content").text();
  token.id = part.at("id").id();
  token.single_word = part.at("single_word").boolean();
  token.takes_blanks_before = part.at("lstrip").boolean();
  token.takes_blanks_after = part.at("rstrip").boolean();
  token.after_normalizer = part.at("normalized").boolean();
  token.special = part.at("special").boolean();
  return token;
}

bool word_ends(std::string_view text) {
  return !text.empty() && is(decode_last(text).point, regex_word_bit);
}

bool word_begins(std::string_view text) {
  return !text.empty() && is(decode(text, 0).point, regex_word_bit);
}

/// Bytes of white space at the end of a text.
size_t blanks_at_end(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    const Decoded last = decode_last(text.substr(0, end));
    if (!is(last.point, white_space_bit)) break;
    end -= last.size;
  }
  return text.size() - end;
}

size_t blanks_at_beginning(std::string_view text) {
  size_t begin = 0;
  while (begin < text.size()) {
    const Decoded next = decode(text, begin);
    if (!is(next.point, white_space_bit)) break;
    begin += next.size;
  }
  return begin;
}

}  // namespace

void TextFinder::add(std::string_view text, size_t value) {
  size_t node = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    auto& next = nodes_[node].next;
    auto at = std::lower_bound(next.begin(), next.end(), std::pair<unsigned char, size_t>{byte, 0});
    if (at == next.end() || at->first != byte) {
      at = next.insert(at, {byte, nodes_.size()});
      node = at->second;
      if (i == 0) first_[byte] = node;
      nodes_.emplace_back();
    } else {
      node = at->second;
    }
  }
  if (!nodes_[node].value) nodes_[node].value = value;
}

std::optional<TextFinder::Found> TextFinder::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    size_t node = first_[static_cast<unsigned char>(text[begin])];
    std::optional<Found> longest;
    for (size_t at = begin + 1; node != 0; ++at) {
      if (nodes_[node].value) longest = Found{begin, at, *nodes_[node].value};
      if (at == text.size()) break;
      const auto byte = static_cast<unsigned char>(text[at]);
      const auto& next = nodes_[node].next;
      const auto found =
          std::lower_bound(next.begin(), next.end(), std::pair<unsigned char, size_t>{byte, 0});
      node = found != next.end() && found->first == byte ? found->second : 0;
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

AddedTokens::AddedTokens(const JsonPart& list, const Normalizer* normalizer,
                         const std::function<std::optional<int64_t>(const std::string&)>& model_id,
                         size_t model_size) {
  if (list.is_null()) return;
  auto next = static_cast<int64_t>(model_size);
  std::set<std::string> seen;
  for (const JsonPart& part : list.items()) {
    const AddedToken token = read_added_token(part);
    if (token.text.empty()) continue;  // as the library does
    if (!seen.insert(token.text).second) {
      part.refuse(fmt::format("adds \"{}\" a second time", token.text));
    }
    const std::optional<int64_t> known = model_id(token.text);
    const int64_t id = known ? *known : next++;
    if (id != token.id) {
      part.refuse(fmt::format("has the id {}, and the tokenizers library gives \"{}\" the id {}",
                              token.id, token.text, id));
    }
    tokens_.push_back(token);
  }
  // Special ones come first: of two that are the same once normalized, that one is found.
  for (const bool special : {true, false}) {
    for (size_t i = 0; i < tokens_.size(); ++i) {
      const AddedToken& token = tokens_[i];
      if (token.special != special) continue;
      if (!token.after_normalizer) {
        as_written_.add(token.text, i);
        continue;
      }
      TrackedText text(token.text, 0);
      if (normalizer != nullptr) normalizer->apply(text);
      if (text.text().empty()) {
        list.refuse(fmt::format("adds \"{}\", of which the normalizer leaves nothing", token.text));
      }
      normalized_.add(text.text(), i);
      any_normalized_ = true;
    }
  }
}

std::vector<Pieces::TokenPart> AddedTokens::parts(std::string_view text,
                                                  const TextFinder& finder) const {
  std::vector<Pieces::TokenPart> found;
  size_t done = 0;
  for (size_t from = 0;;) {
    const auto match = finder.find(text, from);
    if (!match) break;
    from = match->end;
    const AddedToken& token = tokens_[match->value];
    size_t begin = match->begin, end = match->end;
    if (special_is_text_ && token.special) continue;
    if (token.single_word && (word_ends(text.substr(0, begin)) || word_begins(text.substr(end)))) {
      continue;
    }
    if (token.takes_blanks_before) {
      begin = std::max(begin - blanks_at_end(text.substr(0, begin)), done);
    }
    if (token.takes_blanks_after) end += blanks_at_beginning(text.substr(end));
    if (done < begin) found.push_back({done, begin, Pieces::no_token});
    found.push_back({begin, end, token.id});
    done = end;
  }
  if (done < text.size()) found.push_back({done, text.size(), Pieces::no_token});
  return found;
}

Pieces AddedTokens::extract(const std::string& text, const Normalizer* normalizer) const {
  Pieces pieces;
  pieces.add(TrackedText(text, 0));
  pieces.cut_tokens([this](std::string_view part) { return parts(part, as_written_); });
  if (normalizer != nullptr) {
    pieces.change([normalizer](TrackedText& part) {
      normalizer->apply(part);
      return true;
    });
  }
  if (any_normalized_) {
    pieces.cut_tokens([this](std::string_view part) { return parts(part, normalized_); });
  }
  return pieces;
}

}  // namespace explaind
