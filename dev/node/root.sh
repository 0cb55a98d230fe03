#!/bin/sh
# First life of a node's PID 1, in new mount, PID and UTS namespaces: makes $root the root file system and becomes the
# node's init. Software of the node (kubelet, containerd, CNI, KubeVirt) finds its usual paths, yet the host's are never
# touched, any number of nodes fit on one machine, and all mounts end with the node.
#
# usage: root.sh ROOT KUBERNETES-BIN MULTUS-BIN CNI-BIN INIT-ARGUMENT...
set -eu
root=$1 kubernetes=$2 multus=$3 cni=$4
shift 4

mount --make-rprivate /
mount --bind "$root" "$root"
cd "$root"

read_only() { # FROM TO
    mount --rbind "$1" "$2"
    mount -o remount,bind,ro "$2"
}
mkdir -p usr dev sys proc run tmp root var/tmp opt/knfe/kubernetes opt/knfe/multus opt/knfe/cni-plugins .host
chmod 1777 tmp var/tmp
read_only /usr usr
for name in bin sbin lib lib32 lib64 libx32; do
    if [ -L /$name ]; then
        ln -sfn "$(readlink /$name)" $name
    elif [ -d /$name ]; then
        mkdir -p $name
        read_only /$name $name
    fi
done
read_only "$kubernetes" opt/knfe/kubernetes
read_only "$multus" opt/knfe/multus
read_only "$cni" opt/knfe/cni-plugins

mount --rbind /dev dev
mount -t proc proc proc
# A fresh sysfs shows the links of this network namespace.
mount -t sysfs sysfs sys
mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs run
# Relative: pods of the node's own go through it from outside, by /proc/1/root.
ln -sfn ../run var/run
mkdir run/lock

# The kubelet sets these for the whole machine, which belongs to others; here it finds them as it wants them.
mkdir run/sysctl
while read -r name value; do
    file=run/sysctl/$(echo "$name" | tr / .)
    echo "$value" > "$file"
    [ ! -e "proc/sys/$name" ] || mount --bind "$file" "proc/sys/$name"
done << EOF
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
EOF

pivot_root . .host
umount -l /.host
# Pods that ask for Bidirectional mount propagation need a shared root.
mount --make-rshared /
exec chroot / "$@"
