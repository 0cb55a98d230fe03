// Package v1alpha1 has the primaries of the benchmark's job.
// +kubebuilder:object:generate=true
// +groupName=bench.knfe.io
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/scheme"
)

var (
	// GroupVersion is group version used to register these objects.
	GroupVersion = schema.GroupVersion{Group: "bench.knfe.io", Version: "v1alpha1"}

	// SchemeBuilder is used to add go types to the GroupVersionKind scheme.
	SchemeBuilder = &scheme.Builder{GroupVersion: GroupVersion}

	// AddToScheme adds the types in this group-version to the given scheme.
	AddToScheme = SchemeBuilder.AddToScheme
)

// NetworkSpec defines the desired state of Network.
type NetworkSpec struct {
	CIDR string `json:"cidr"`
	// +kubebuilder:default=1500
	// +kubebuilder:validation:Minimum=68
	// +kubebuilder:validation:Maximum=65535
	// +optional
	MTU int32 `json:"mtu,omitempty"`
}

// ConnectionPointSpec defines the desired state of ConnectionPoint.
type ConnectionPointSpec struct {
	// Network is the name of a Network in the same namespace.
	Network   string `json:"network"`
	Interface string `json:"interface"`
}

// Status is the observed state of either kind.
type Status struct {
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
	// Attachment is the name of the child, if it exists.
	// +optional
	Attachment string `json:"attachment,omitempty"`
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Network is the Schema for the networks API.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type Network struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   NetworkSpec `json:"spec"`
	Status Status      `json:"status,omitempty"`
}

// NetworkList contains a list of Network.
// +kubebuilder:object:root=true
type NetworkList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Network `json:"items"`
}

// ConnectionPoint is the Schema for the connectionpoints API.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
type ConnectionPoint struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec   ConnectionPointSpec `json:"spec"`
	Status Status              `json:"status,omitempty"`
}

// ConnectionPointList contains a list of ConnectionPoint.
// +kubebuilder:object:root=true
type ConnectionPointList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ConnectionPoint `json:"items"`
}

func init() {
	SchemeBuilder.Register(&Network{}, &NetworkList{}, &ConnectionPoint{}, &ConnectionPointList{})
}
