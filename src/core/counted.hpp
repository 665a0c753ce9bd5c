#pragma once
// Numbers of things in sentences: "1 sample", "2 samples".

#include <concepts>
#include <string>

namespace explaind {

/// plural: where it is not the singular with an s.
template <std::integral Count>
std::string counted(Count count, const std::string& singular, const std::string& plural = "") {
  return std::to_string(count) + " " +
         (count == 1       ? singular
          : plural.empty() ? singular + "s"
                           : plural);
}

}  // namespace explaind
