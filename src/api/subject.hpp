#pragma once
// The opened files behind v1::Subject.

#include <string>
#include <utility>
#include <vector>

#include "explaind/subject.hpp"
#include "job/subject.hpp"

namespace explaind::v1 {

class Subject::Impl {
 public:
  std::vector<std::pair<std::string, std::string>> options;  ///< "series" among them
  explaind::Subject subject;
};

}  // namespace explaind::v1
