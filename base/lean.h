// Lean<C>: a container that is nearly always empty. Eight bytes as long as it is.
#pragma once

#include <memory>

namespace knfe {

template <class C>
class Lean {
 public:
  Lean() = default;
  Lean(const Lean& other) : content_(other.content_ ? std::make_unique<C>(*other.content_) : nullptr) {}
  Lean(Lean&&) noexcept = default;
  Lean& operator=(const Lean& other) { return *this = Lean(other); }
  Lean& operator=(Lean&&) noexcept = default;
  ~Lean() = default;

  const C& operator*() const {
    static const C none;
    return content_ ? *content_ : none;
  }
  const C* operator->() const { return &**this; }
  C& edit() {
    if (!content_) content_ = std::make_unique<C>();
    return *content_;
  }
  friend bool operator==(const Lean& a, const Lean& b) { return *a == *b; }

 private:
  std::unique_ptr<C> content_;
};

}  // namespace knfe
