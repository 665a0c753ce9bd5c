#include "doctor/finding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace explaind {

std::string_view word_of(Finding::Kind kind) {
  using Kind = Finding::Kind;
  switch (kind) {
    case Kind::unreadable:
      return "unreadable";
    case Kind::missing_file:
      return "missing_file";
    case Kind::surplus_file:
      return "surplus_file";
    case Kind::lfs_pointer:
      return "lfs_pointer";
    case Kind::not_finite:
      return "not_finite";
    case Kind::identical_checkpoint:
      return "identical_checkpoint";
    case Kind::identical_file:
      return "identical_file";
    case Kind::identical_tensor:
      return "identical_tensor";
    case Kind::foreign_checkpoint:
      return "foreign_checkpoint";
    case Kind::foreign_file:
      return "foreign_file";
    case Kind::foreign_tensor:
      return "foreign_tensor";
    case Kind::tied_copies:
      return "tied_copies";
    case Kind::step_gap:
      return "step_gap";
    case Kind::dtype_change:
      return "dtype_change";
    case Kind::config_change:
      return "config_change";
    case Kind::tokenizer_change:
      return "tokenizer_change";
    case Kind::tensor_change:
      return "tensor_change";
  }
  return "";
}

std::string some_of(const std::vector<std::string>& names) {
  constexpr size_t shown = 3;
  const size_t count = std::min(names.size(), shown);
  const std::vector<std::string> first(names.begin(),
                                       names.begin() + static_cast<std::ptrdiff_t>(count));
  const std::string more =
      names.size() > count ? fmt::format(" and {} more", names.size() - count) : "";
  return fmt::format("{}{}", fmt::join(first, ", "), more);
}

}  // namespace explaind
