#include "api/fields.h"

namespace knfe::api {

std::string Where::text() const {
  if (!above_) return std::string(name_);
  return above_->text() + "/" + (index_ ? std::to_string(*index_) : std::string(name_));
}

std::unexpected<Error> wrong_kind(const Where& where, const char* wanted) {
  return fail(Code::kInvalid, std::string("must be ") + wanted, where.text());
}

}  // namespace knfe::api
