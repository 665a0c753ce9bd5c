#include "app/formats/byte_output.hpp"

#include <iostream>
#include <span>

namespace explaind {

void ByteOutput::write(std::string_view bytes) {
  if (file_) {
    file_->write(std::as_bytes(std::span(bytes)));
  } else {
    std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace explaind
