# SPDX-License-Identifier: BSD-2-Clause
"""Makes an initramfs: bash, busybox, kernel modules in the order in which they must be loaded, and
programs with the shared libraries that they need. Takes no privilege, for the archive (newc, see
Documentation/driver-api/early-userspace/buffer-format.rst of the kernel) is written here."""

import lzma
import pathlib
import re
import shutil
import stat
import subprocess

DIRECTORIES = ('bin', 'dev', 'modules', 'proc', 'root', 'run', 'sys', 'tmp', 'var')


class Archive:
    def __init__(self):
        self.entries = []
        self.names = set()

    def add(self, name, mode, content=b'', device=(0, 0)):
        """One entry, after the directories that lead to it; the first of a name stays."""
        if name in self.names:
            return
        parent = str(pathlib.PurePath(name).parent)
        if parent != '.':
            self.add(parent, stat.S_IFDIR | 0o755)
        self.names.add(name)
        self.entries.append(self.entry(len(self.names), name, mode, content, device))

    def add_file(self, name, path, mode=0o755):
        self.add(name, stat.S_IFREG | mode, pathlib.Path(path).read_bytes())

    @staticmethod
    def entry(inode, name, mode, content, device):
        encoded = name.encode() + b'\0'
        fields = (inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        head = b'070701' + b''.join(b'%08X' % field for field in fields) + encoded
        return b''.join(part + bytes(-len(part) % 4) for part in (head, content))

    def write(self, path):
        end = self.entry(0, 'TRAILER!!!', 0, b'', (0, 0))
        path.write_bytes(b''.join(self.entries) + end)


class Modules:
    """The modules of an unpacked kernel package, which has no modules.dep: what each depends on is
    told by the module itself."""

    def __init__(self, kernel):
        self.paths = {}
        self.built_in = set()
        for path in kernel.rglob('*.ko*'):
            self.paths[self.name(path)] = path
        for listing in kernel.rglob('modules.builtin'):
            self.built_in.update(map(self.name, listing.read_text().split()))

    @staticmethod
    def name(path):
        return pathlib.PurePath(path).name.partition('.ko')[0].replace('-', '_')

    def content(self, name):
        path = self.paths[name]
        if path.suffix == '.xz':
            return lzma.decompress(path.read_bytes())
        return path.read_bytes()

    def in_order(self, wanted):
        """{name: content} of those wanted and of what they need, each after what it needs."""
        order = {}

        def visit(name):
            if name in order or name in self.built_in:
                return
            if name not in self.paths:
                raise ValueError(f'this kernel has no module {name}')
            content = self.content(name)
            needed = re.search(rb'\0depends=([^\0]*)', content)
            for other in needed.group(1).decode().split(',') if needed else ():
                if other:
                    visit(self.name(other))
            order[name] = content

        for name in wanted:
            visit(name)
        return order


def libraries(program):
    """What the dynamic linker would load for the program."""
    ldd = subprocess.run(['ldd', program], check=False, capture_output=True, text=True).stdout
    return re.findall(r'(/\S+) \(0x', ldd)


def make(path, kernel, modules, programs, files):
    """Writes to `path` an initramfs for the unpacked `kernel`. `programs`: paths, which go to /bin;
    `files`: {name in the guest: path here}."""
    archive = Archive()
    for name in DIRECTORIES:
        archive.add(name, stat.S_IFDIR | 0o755)
    archive.add('dev/console', stat.S_IFCHR | 0o600, device=(5, 1))
    for program in [shutil.which('bash'), *programs]:
        archive.add_file(f'bin/{pathlib.Path(program).name}', program)
        for library in libraries(program):
            archive.add_file(library.lstrip('/'), library)
    archive.add_file('bin/busybox', shutil.which('busybox'))
    archive.add('bin/sh', stat.S_IFLNK | 0o777, b'bash')
    order = Modules(kernel).in_order(modules)
    for name, content in order.items():
        archive.add(f'modules/{name}.ko', stat.S_IFREG | 0o644, content)
    archive.add('modules/order', stat.S_IFREG | 0o644, ''.join(f'{n}\n' for n in order).encode())
    for name, source in files.items():
        archive.add_file(name.lstrip('/'), source)
    archive.write(path)
