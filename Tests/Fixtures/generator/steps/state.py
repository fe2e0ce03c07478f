"""Steps with variables: read, gathered from, written to before they are read again."""
import tensorflow as tf

raw = tf.raw_ops


class StateSteps:
    def state_steps(self):
        return [self.variable, self.variable, self.changed_variable]

    def new_variable(self):
        """A variable of a few rows: its handle, its dtype, its shape."""
        shape = [self.integer(1, 4)] + self.some_shape(0, 1)
        dtype = self.one([tf.float32, tf.float32, tf.int32])
        name = f"variable_{len(self.variables)}"
        self.variables[name] = self.values(dtype.name, shape)
        return raw.VarHandleOp(shape=shape, dtype=dtype, name=name, shared_name=name), dtype, shape

    def variable(self):
        if self.nesting:
            return False
        handle, dtype, shape = self.new_variable()
        if self.chance(0.4):
            indices = tf.constant(self.random.randint(0, shape[0], size=self.some_shape(0, 2)), tf.int32)
            return self.add(raw.ResourceGather(resource=handle, indices=indices, dtype=dtype))
        return self.add(raw.ReadVariableOp(resource=handle, dtype=dtype))

    def changed_variable(self):
        if self.nesting:
            return False
        handle, dtype, shape = self.new_variable()
        before = raw.ReadVariableOp(resource=handle, dtype=dtype)
        rows = tf.constant(self.random.permutation(shape[0])[:2], tf.int32)
        updates = self.constant(dtype, [min(2, shape[0])] + shape[1:])
        with tf.control_dependencies([before]):
            kind = self.integer(0, 4)
            if kind == 0:
                change = raw.AssignAddVariableOp(resource=handle, value=before)
            elif kind == 1:
                change = raw.AssignSubVariableOp(resource=handle, value=self.constant(dtype, shape))
            elif kind == 2:
                change = raw.AssignVariableOp(resource=handle, value=before * 2)
            else:
                op = self.one([raw.ResourceScatterAdd, raw.ResourceScatterUpdate, raw.ResourceScatterMul, raw.ResourceScatterMax, raw.ResourceScatterSub])
                change = op(resource=handle, indices=rows, updates=updates)
        with tf.control_dependencies([change]):
            return self.add(before, raw.ReadVariableOp(resource=handle, dtype=dtype))
