#!/bin/sh
# What this node's CPUs can do for VMs, as virt-handler wants to read it. VMs are emulated here: no /dev/kvm is asked about.
set -eu
out=/var/lib/kubevirt-node-labeller
virtqemud -d
virsh domcapabilities --machine q35 --arch x86_64 --virttype qemu > $out/virsh_domcapabilities.xml
virsh hypervisor-cpu-baseline --features $out/virsh_domcapabilities.xml --machine q35 --arch x86_64 --virttype qemu > $out/supported_features.xml
virsh capabilities > $out/capabilities.xml
